# Tiny pretrained models in Hugging Face's layout, with the outputs of transformers.
# Python 3 with transformers 5.18 and torch 2.13: python make.py  (writes folders next to this file)
import json
import os
import shutil
import sys

import torch
import transformers as t
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
only = sys.argv[1:]
text = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, vocab_size=99)
no_dropout = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
classes = dict(id2label={0: "no", 1: "yes", 2: "perhaps"}, label2id={"no": 0, "yes": 1, "perhaps": 2})
rope = {"rope_theta": 10000.0, "rope_type": "default"}


def randomise(model):
    """Weights that all affect the result: norms, biases and running statistics too."""
    g = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, p in model.named_parameters():
            spread = 0.3 if p.dim() > 1 else 0.2
            base = 1.0 if p.dim() == 1 and "norm" in name.lower() and name.endswith("weight") else 0.0
            p.copy_(base + spread * torch.randn(p.shape, generator=g))
        for name, b in model.named_buffers():
            if name.endswith("running_mean"):
                b.copy_(0.3 * torch.randn(b.shape, generator=g))
            if name.endswith("running_var"):
                b.copy_(0.5 + torch.rand(b.shape, generator=g))
    model.tie_weights()
    return model.eval()


def ids(rows, length, vocabulary=99, low=5):
    g = torch.Generator().manual_seed(11)
    return torch.randint(low, vocabulary, (rows, length), generator=g)


def pixels(size, channels=3):
    g = torch.Generator().manual_seed(13)
    return torch.randn(2, channels, size, size, generator=g)


def padded(rows, length):
    mask = torch.ones(rows, length, dtype=torch.long)
    mask[1, length - 3 :] = 0
    return mask


def golden(name, model, inputs, outputs, note=None):
    """Saves the model, its inputs, and the outputs named in `outputs`."""
    if only and name not in only:
        return
    folder = os.path.join(here, name)
    shutil.rmtree(folder, ignore_errors=True)
    randomise(model).save_pretrained(folder)
    for extra in ("README.md",):
        if os.path.exists(os.path.join(folder, extra)):
            os.remove(os.path.join(folder, extra))
    with torch.no_grad():
        result = model(**inputs, output_hidden_states=True)
    found = {f"input.{k}": v.to(torch.int32) if v.dtype == torch.int64 else v for k, v in inputs.items()}
    for key in outputs:
        value = getattr(result, key)
        found[f"output.{key}"] = value[-1] if isinstance(value, tuple) else value
    save_file({k: v.contiguous() for k, v in found.items()}, os.path.join(folder, "golden.safetensors"))
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(name, size, note or "")


def encoder(mask=True, **more):
    inputs = dict(input_ids=ids(2, 9), **more)
    if mask:
        inputs["attention_mask"] = padded(2, 9)
    return inputs


types = torch.zeros(2, 9, dtype=torch.long)
types[:, 5:] = 1

gpt2 = dict(n_embd=16, n_layer=2, n_head=4, vocab_size=99, n_positions=64, bos_token_id=1, eos_token_id=2,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
golden("gpt2", t.GPT2LMHeadModel(t.GPT2Config(**gpt2)), dict(input_ids=ids(2, 9)), ["logits", "hidden_states"])
golden("gpt2-classes", t.GPT2ForSequenceClassification(t.GPT2Config(**gpt2, **classes, pad_token_id=0)),
       dict(input_ids=torch.cat([ids(2, 9), torch.tensor([[7, 8, 9], [0, 0, 0]])], 1)), ["logits"])
golden("gpt2-base", t.GPT2Model(t.GPT2Config(**gpt2)), dict(input_ids=ids(2, 9)), ["last_hidden_state"])

llama = dict(text, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)
golden("llama", t.LlamaForCausalLM(t.LlamaConfig(**llama, rope_parameters=rope)), dict(input_ids=ids(2, 9)),
       ["logits", "hidden_states"])
golden("llama3", t.LlamaForCausalLM(t.LlamaConfig(**llama, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
       head_dim=8, rope_parameters=dict(rope_theta=500.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0,
       high_freq_factor=4.0, original_max_position_embeddings=16))), dict(input_ids=ids(2, 40)), ["logits"])
golden("llama-linear", t.LlamaForCausalLM(t.LlamaConfig(**llama, tie_word_embeddings=True,
       rope_parameters=dict(rope_theta=10000.0, rope_type="linear", factor=4.0))), dict(input_ids=ids(2, 9)), ["logits"])
golden("mistral", t.MistralForCausalLM(t.MistralConfig(**llama, sliding_window=4, tie_word_embeddings=True)),
       dict(input_ids=ids(2, 12)), ["logits"])
golden("qwen2", t.Qwen2ForCausalLM(t.Qwen2Config(**llama, tie_word_embeddings=True, use_sliding_window=False)),
       dict(input_ids=ids(2, 9)), ["logits"])
golden("qwen3", t.Qwen3ForCausalLM(t.Qwen3Config(**llama, tie_word_embeddings=True, head_dim=8)),
       dict(input_ids=ids(2, 9)), ["logits"])

bert = dict(text, max_position_embeddings=32, type_vocab_size=2, **no_dropout)
golden("bert", t.BertModel(t.BertConfig(**bert)), encoder(token_type_ids=types), ["last_hidden_state", "pooler_output"])
golden("bert-classes", t.BertForSequenceClassification(t.BertConfig(**bert, **classes)), encoder(), ["logits"])
golden("bert-tokens", t.BertForTokenClassification(t.BertConfig(**bert, **classes)), encoder(), ["logits"])
golden("bert-masked", t.BertForMaskedLM(t.BertConfig(**bert)), encoder(), ["logits", "hidden_states"])
distil = dict(dim=16, n_layers=2, n_heads=4, hidden_dim=32, vocab_size=99, max_position_embeddings=32, dropout=0.0,
              attention_dropout=0.0, seq_classif_dropout=0.0)
golden("distilbert-classes", t.DistilBertForSequenceClassification(t.DistilBertConfig(**distil, **classes)), encoder(), ["logits"])
golden("distilbert-masked", t.DistilBertForMaskedLM(t.DistilBertConfig(**distil)), encoder(), ["logits", "hidden_states"])
roberta = dict(text, max_position_embeddings=34, type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, **no_dropout)
golden("roberta-classes", t.RobertaForSequenceClassification(t.RobertaConfig(**roberta, **classes)), encoder(), ["logits"])
golden("roberta-masked", t.RobertaForMaskedLM(t.RobertaConfig(**roberta)),
       dict(input_ids=torch.where(padded(2, 9) == 1, ids(2, 9), 1), attention_mask=padded(2, 9)), ["logits"])

vit = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, image_size=16, patch_size=8, **no_dropout)
golden("vit", t.ViTForImageClassification(t.ViTConfig(**vit, **classes)), dict(pixel_values=pixels(16)), ["logits", "hidden_states"])
golden("vit-base", t.ViTModel(t.ViTConfig(**vit)), dict(pixel_values=pixels(16)), ["last_hidden_state", "pooler_output"])
resnet = dict(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2])
golden("resnet", t.ResNetForImageClassification(t.ResNetConfig(**resnet, layer_type="basic", **classes)),
       dict(pixel_values=pixels(32)), ["logits", "hidden_states"])
golden("resnet-bottleneck", t.ResNetForImageClassification(t.ResNetConfig(**resnet, layer_type="bottleneck", **classes)),
       dict(pixel_values=pixels(32)), ["logits"])
golden("convnext", t.ConvNextForImageClassification(t.ConvNextConfig(num_stages=2, hidden_sizes=[8, 16], depths=[1, 2],
       layer_scale_init_value=0.5, **classes)), dict(pixel_values=pixels(32)), ["logits", "hidden_states"])

whisper = t.WhisperConfig(d_model=16, encoder_layers=2, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4,
       encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=99, num_mel_bins=8, max_source_positions=20, max_target_positions=16,
       dropout=0.0, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1)


class WhisperEncoder(t.WhisperModel):
    """The whole model is saved; the outputs are those of its encoder."""

    def forward(self, input_features, **more):
        return self.encoder(input_features)


wm = WhisperEncoder(whisper)
wm.__class__.__name__ = "WhisperModel"
golden("whisper", wm, dict(input_features=torch.randn(2, 8, 40, generator=torch.Generator().manual_seed(3))), ["last_hidden_state"])
clip_text = dict(text, max_position_embeddings=16, bos_token_id=1, eos_token_id=98, pad_token_id=0, projection_dim=12)
clip_vision = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32, image_size=16, patch_size=8, projection_dim=12)
texts = ids(3, 9, 97)
texts[0, 8] = 98
texts[1, 6:] = 98
texts[2, 4:] = 98
clip = t.CLIPModel(t.CLIPConfig(text_config=clip_text, vision_config=clip_vision, projection_dim=12))
texts_mask = torch.ones(3, 9, dtype=torch.long)
texts_mask[1, 7:] = 0
texts_mask[2, 5:] = 0
golden("clip", clip, dict(input_ids=texts, attention_mask=texts_mask, pixel_values=pixels(16)),
       ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"])
