package synth

import (
	"fmt"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// chatML is Qwen2's chat template.
const chatML = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}" +
	"{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}" +
	"{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
	"{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

// merges make the commonest English pieces, so that the BPE has something to do. Both sides of each are tokens
// before it.
var merges = strings.Split("Ġ t,h e,i n,Ġ a,o n,r e,e r,Ġt he,a t,Ġ s,o u,i s,e n,Ġa n,in g,Ġan d", ",")

var control = []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}

// MinVocab is the number of ids that stand for something: bytes, merges and control tokens.
var MinVocab = 256 + len(merges) + len(control)

// vocabulary is the tokenizer as GGUF's arrays.
type vocabulary struct {
	tokens  []string
	kinds   []int32
	control map[string]int // ids of control tokens
}

// newVocabulary makes size ids: bytes, merges, control tokens, padding. size is at least MinVocab.
func newVocabulary(size int) *vocabulary {
	v := &vocabulary{control: map[string]int{}}
	for _, r := range byteAlphabet() {
		v.add(string(r), tokenizer.Normal)
	}
	for _, m := range merges {
		v.add(strings.Replace(m, " ", "", 1), tokenizer.Normal)
	}
	for _, name := range control {
		v.control[name] = len(v.tokens)
		v.add(name, tokenizer.Control)
	}
	for id := len(v.tokens); id < size; id++ {
		v.add(fmt.Sprintf("[PAD%d]", id), tokenizer.Unused)
	}
	return v
}

func (v *vocabulary) add(text string, kind tokenizer.Kind) {
	v.tokens = append(v.tokens, text)
	v.kinds = append(v.kinds, int32(kind))
}

// byteAlphabet is GPT-2's spelling of the 256 bytes, in its vocabulary's order: printable bytes stand for
// themselves and come first, the others follow as the runes from U+0100.
func byteAlphabet() []rune {
	var printable, others []rune
	for b := rune(0); b < 256; b++ {
		if b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad {
			printable = append(printable, b)
		} else {
			others = append(others, 0x100+rune(len(others)))
		}
	}
	return append(printable, others...)
}
