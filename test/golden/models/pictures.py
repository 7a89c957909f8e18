# Pictures through the image processors of transformers (the ones that resize by Pillow): settings in JSON, pixels in safetensors.
# Python 3 with transformers 5.18, torch 2.13 and Pillow 12: python pictures.py  (writes pictures.json and pictures.safetensors)
import json
import os

import numpy as np
import torch
from safetensors.torch import save_file
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

here = os.path.dirname(os.path.abspath(__file__))


def picture(width, height):
    """Edges, slopes and noise, by whole numbers."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    noise = (x * 73 + y * 151 + c * 31 + x * y * 17 + x * x * 5) % 97
    return ((np.where((x // 5 + y // 3) % 2 == 0, 230, 10) + noise + c * 40) % 256).astype(np.uint8)


side = dict(height=12, width=10)
cases = [(ViTImageProcessorPil, dict(size=side, resample=r), w, h) for r in range(6) for w, h in ((37, 23), (7, 9))]
cases += [
    (ViTImageProcessorPil, dict(size=side), 10, 12),
    (ViTImageProcessorPil, dict(size=side), 10, 31),
    (ViTImageProcessorPil, dict(size=9, image_mean=[0.1, 0.2, 0.3], image_std=[0.3, 0.2, 0.1]), 30, 20),
    (ViTImageProcessorPil, dict(size=side, do_normalize=False), 20, 20),
    (ViTImageProcessorPil, dict(size=side, do_rescale=False), 20, 20),
    (ViTImageProcessorPil, dict(size=side, rescale_factor=1 / 127.5, image_mean=1.0, image_std=1.0), 20, 20),
    (ViTImageProcessorPil, dict(do_resize=False), 11, 8),
    (DeiTImageProcessorPil, dict(size=dict(height=16, width=16), crop_size=dict(height=11, width=12)), 33, 21),
    (CLIPImageProcessorPil, dict(size=dict(shortest_edge=12), crop_size=dict(height=12, width=12)), 41, 23),
    (CLIPImageProcessorPil, dict(size=dict(shortest_edge=9), crop_size=dict(height=14, width=12)), 23, 40),
    (BitImageProcessorPil, dict(size=dict(shortest_edge=13), crop_size=10), 20, 33),
    (ConvNextImageProcessorPil, dict(size=dict(shortest_edge=14), crop_pct=0.875), 40, 25),
    (ConvNextImageProcessorPil, dict(size=dict(shortest_edge=14), resample=2), 19, 27),
]
listed, found = [], {}
for place, (make, settings, width, height) in enumerate(cases):
    processor = make(**settings)
    pixels = processor(picture(width, height), return_tensors="np", input_data_format="channels_last")["pixel_values"][0]
    config = {k: v for k, v in json.loads(processor.to_json_string()).items()}
    listed.append(dict(config=config, width=width, height=height))
    found[str(place)] = torch.from_numpy(np.ascontiguousarray(pixels.astype(np.float32)))
with open(os.path.join(here, "pictures.json"), "w") as f:
    f.write(json.dumps(listed, indent=1) + "\n")
save_file(found, os.path.join(here, "pictures.safetensors"))
