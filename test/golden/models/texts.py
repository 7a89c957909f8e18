# Small tokenizers in Hugging Face's layout, their tokens for texts, a chat template, and sentence embeddings.
# python texts.py   (after make.py)
import json
import os

import torch
import transformers as t
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = os.path.dirname(os.path.abspath(__file__))
corpus = [
    "the cat sat on the mat", "the dog ate the food", "a good film with a good end", "a bad film, too long and dull",
    "I liked it!", "I did not like it.", "what a great story", "what a terrible story", "she said: no?",
]
texts = ["the cat sat", "a good, great film!", "I did not like the long story. " * 4, "zebra Ünïcode 42", ""]
template = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
messages = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Who sat?"}]

word = Tokenizer(models.WordPiece(unk_token="[UNK]"))
word.normalizer = normalizers.BertNormalizer(lowercase=True)
word.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
word.decoder = decoders.WordPiece()
word.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=99, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
word.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
bert = t.PreTrainedTokenizerFast(tokenizer_object=word, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
                                 mask_token="[MASK]", model_max_length=32)
byte = Tokenizer(models.BPE())
byte.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
byte.decoder = decoders.ByteLevel()
byte.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "</s>"]))
gpt = t.PreTrainedTokenizerFast(tokenizer_object=byte, bos_token="<s>", eos_token="</s>", chat_template=template)


def only(tokenizer, folder):
    """The files that hold a tokenizer; save_pretrained of a model does not write them."""
    os.makedirs(folder, exist_ok=True)
    tokenizer.save_pretrained(folder)


only(bert, os.path.join(here, "bert"))
only(gpt, os.path.join(here, "byte-level"))
model = t.BertModel.from_pretrained(os.path.join(here, "bert")).eval()
batch = bert(texts[:3], padding=True, truncation=True, return_tensors="pt")
with torch.no_grad():
    hidden = model(**{k: v for k, v in batch.items() if k != "token_type_ids"}).last_hidden_state
mask = batch["attention_mask"].unsqueeze(-1).float()
mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1)
figures = {
    "texts": texts,
    "bert": [bert(text, truncation=True)["input_ids"] for text in texts],
    "pair": bert("the cat", "the dog ate", return_token_type_ids=True),
    "byte": [gpt(text)["input_ids"] for text in texts],
    "decoded": [bert.decode(bert(text)["input_ids"], skip_special_tokens=True, clean_up_tokenization_spaces=False) for text in texts],
    "messages": messages,
    "chat": gpt.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
    "embeddings": mean.tolist(),
}
figures["pair"] = {k: v for k, v in figures["pair"].items()}
with open(os.path.join(here, "texts.json"), "w") as file:
    json.dump(figures, file, ensure_ascii=False)
