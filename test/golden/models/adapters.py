# LoRA adapters as peft 0.21 writes them, with the logits of the adapted models; and greedy continuations by transformers.
# python adapters.py            writes adapters and continuations next to the models of make.py
# python adapters.py FOLDER     reads adapters that hebb wrote into FOLDER/<model> and compares its logits
import os
import shutil
import sys

import torch
import transformers as t
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

here = os.path.dirname(os.path.abspath(__file__))
classes = {
    "gpt2": t.GPT2LMHeadModel, "llama": t.LlamaForCausalLM, "bert-classes": t.BertForSequenceClassification,
    "distilbert-classes": t.DistilBertForSequenceClassification, "roberta-classes": t.RobertaForSequenceClassification,
    "vit": t.ViTForImageClassification, "resnet": t.ResNetForImageClassification, "convnext": t.ConvNextForImageClassification,
}
settings = {
    "gpt2": dict(task_type="CAUSAL_LM", target_modules=["c_attn", "c_fc"], fan_in_fan_out=True),
    "llama": dict(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], use_rslora=True),
    "bert-classes": dict(task_type="SEQ_CLS", target_modules=["query", "value"]),
    "vit": dict(target_modules=["q_proj", "v_proj", "fc1"]),
    "resnet": dict(target_modules=["convolution"], modules_to_save=["classifier.1"]),
}


def inputs(name):
    found = load_file(os.path.join(here, name, "golden.safetensors"))
    return {k[6:]: v.long() if v.dtype == torch.int32 else v for k, v in found.items() if k.startswith("input.")}


if len(sys.argv) > 1:
    for name in sorted(os.listdir(sys.argv[1])):
        folder = os.path.join(sys.argv[1], name)
        model = PeftModel.from_pretrained(classes[name].from_pretrained(os.path.join(here, name)), folder).eval()
        with torch.no_grad():
            logits = model(**inputs(name)).logits
        expected = load_file(os.path.join(folder, "logits.safetensors"))["logits"]
        print(name, "largest difference", (logits - expected).abs().max().item(), "of", expected.abs().max().item())
else:
    for name, more in settings.items():
        torch.manual_seed(5)
        model = get_peft_model(classes[name].from_pretrained(os.path.join(here, name)), LoraConfig(r=2, lora_alpha=6, **more)).eval()
        g = torch.Generator().manual_seed(9)
        with torch.no_grad():
            for key, p in model.named_parameters():
                if "lora_" in key:
                    p.copy_(0.2 * torch.randn(p.shape, generator=g))
            logits = model(**inputs(name)).logits
        # Without the path of the machine.
        model.peft_config["default"].base_model_name_or_path = name
        folder = os.path.join(here, "adapters", name)
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        os.remove(os.path.join(folder, "README.md"))
        save_file({"logits": logits.contiguous()}, os.path.join(folder, "logits.safetensors"))
        print(name, sorted(load_file(os.path.join(folder, "adapter_model.safetensors")))[:3])
    found = {}
    for name in ("gpt2", "llama", "mistral", "qwen3"):
        model = t.AutoModelForCausalLM.from_pretrained(os.path.join(here, name)).eval()
        out = model.generate(torch.tensor([[7, 8, 9, 10, 11]]), max_new_tokens=40, do_sample=False, eos_token_id=None, pad_token_id=0)
        found[name] = out[0].to(torch.int32)
    save_file(found, os.path.join(here, "adapters", "continuations.safetensors"))
