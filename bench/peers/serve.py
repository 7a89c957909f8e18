# Shared by the Python peers: one repetition per request (JSON lines on stdin/stdout).
import json
import os
import resource
import sys
import time

timing = json.loads(os.environ.get("BENCH_TIMING", '{"target":0.4,"warmUp":1,"maxSteps":5000}'))


class Repeat:
    """One repeated call without state; subclasses define what to run and what to compare."""

    def reset(self):
        pass

    def finish(self):
        pass


def say(message):
    print(json.dumps(message), flush=True)


def prepare(work):
    """Checks the result and warms up; returns the number of steps of one repetition."""
    check = work.check()
    work.reset()
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < timing["warmUp"] or done < 3:
        work.step(done)
        work.finish()
        done += 1
        if done >= 3 and time.perf_counter() - start > 4:
            break
    estimate = (time.perf_counter() - start) / done
    return check, max(1 if estimate > 0.5 or timing["target"] < 0.01 else 3, min(timing["maxSteps"], int(timing["target"] / estimate) + 1))


def serve(make, version):
    """make(description) returns an object with reset(), step(i), finish() and check(); the description is what "prepare" carries."""
    work, n = None, 1
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if command["cmd"] == "prepare":
                work = make(command.get("work"))
                check, n = prepare(work)
                say(dict(ready=True, check=check, steps=n, version=version))
            elif command["cmd"] == "go":
                work.reset()
                start = time.perf_counter()
                for i in range(n):
                    work.step(i)
                work.finish()
                say(dict(seconds=(time.perf_counter() - start) / n))
            else:
                say(dict(peakMB=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
                break
        except Exception as error:
            say(dict(error=f"{type(error).__name__}: {error}"[:300]))
