# Beam search by transformers: the sequences and their scores for each model and setting, as JSON next to the models of make.py.
# python beams.py
import json
import os

import torch
import transformers as t

here = os.path.dirname(os.path.abspath(__file__))
prompt = [7, 8, 9, 10, 11]
# The tokens of these models are drawn at random, so that a few of them end a text often enough.
settings = [
    {"numBeams": 1, "maxNewTokens": 8},
    {"numBeams": 2, "maxNewTokens": 12},
    {"numBeams": 4, "maxNewTokens": 20, "lengthPenalty": 0},
    {"numBeams": 4, "maxNewTokens": 20, "stop": list(range(3, 33, 3))},
    {"numBeams": 4, "maxNewTokens": 20, "stop": list(range(3, 33, 3)), "earlyStopping": True},
    {"numBeams": 4, "maxNewTokens": 20, "stop": list(range(3, 33, 3)), "earlyStopping": "never", "lengthPenalty": 2},
    {"numBeams": 3, "maxNewTokens": 16, "stop": [40, 41], "lengthPenalty": -0.5},
    {"numBeams": 5, "maxNewTokens": 10, "stop": list(range(20, 60)), "earlyStopping": True},
    {"numBeams": 4, "maxNewTokens": 12, "repetitionPenalty": 1.7, "stop": [12, 50, 71]},
]
found = []
for name in ("gpt2", "llama", "mistral", "qwen3"):
    model = t.AutoModelForCausalLM.from_pretrained(os.path.join(here, name)).eval()
    for one in settings:
        ids = torch.tensor([prompt])
        out = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            num_beams=one["numBeams"],
            max_new_tokens=one["maxNewTokens"],
            length_penalty=float(one.get("lengthPenalty", 1)),
            early_stopping=one.get("earlyStopping", False),
            repetition_penalty=float(one.get("repetitionPenalty", 1)),
            eos_token_id=one.get("stop"),
            pad_token_id=0,
            do_sample=False,
            num_return_sequences=one["numBeams"],
            return_dict_in_generate=True,
            output_scores=True,
        )
        stop = set(one.get("stop", []))
        sequences = []
        for row in out.sequences.tolist():
            own = row[len(prompt):]
            ends = [k for k, token in enumerate(own) if token in stop]
            sequences.append(own[: ends[0] + 1] if ends else own[: one["maxNewTokens"]])
        scores = out.sequences_scores.tolist() if one["numBeams"] > 1 else None
        found.append({"model": name, "options": one, "sequences": sequences, "scores": scores})
lines = ",\n".join(json.dumps(one) for one in found)
with open(os.path.join(here, "adapters", "beams.json"), "w") as file:
    file.write(f'{{"prompt": {prompt}, "cases": [\n{lines}\n]}}\n')
