# The tiny gpt2 of make.py as older versions of transformers saved it: pytorch_model.bin, with the tied weight named twice.
# Python 3 with transformers 5.18 and torch 2.13: python bin.py  (after make.py; writes gpt2-bin/pytorch_model.bin)
import os

import torch
import transformers as t

here = os.path.dirname(os.path.abspath(__file__))
model = t.GPT2LMHeadModel.from_pretrained(os.path.join(here, "gpt2"))
folder = os.path.join(here, "gpt2-bin")
os.makedirs(folder, exist_ok=True)
torch.save(model.state_dict(), os.path.join(folder, "pytorch_model.bin"))
