# Makes resize.json: pictures resized by PyTorch, bilinear with antialiasing, in float64. python3 resize.py > resize.json
import json
import torch

torch.manual_seed(0)
cases = []
for (height, width), (to_height, to_width), channels in [
    ((4, 6), (2, 3), 1), ((7, 5), (3, 4), 3), ((5, 7), (9, 11), 1), ((16, 16), (5, 5), 3), ((3, 3), (1, 1), 1),
    ((1, 9), (1, 4), 1), ((13, 17), (13, 6), 3), ((2, 2), (7, 7), 3), ((32, 20), (7, 30), 1),
]:
    picture = torch.randint(0, 256, (1, channels, height, width), dtype=torch.float64)
    out = torch.nn.functional.interpolate(picture, size=(to_height, to_width), mode="bilinear", antialias=True)
    cases.append({
        "from": [channels, height, width], "to": [to_height, to_width],
        "pixels": [int(x) for x in picture.flatten().tolist()], "expected": [round(x, 6) for x in out.flatten().tolist()],
    })
print(json.dumps(cases, separators=(",", ":")))
