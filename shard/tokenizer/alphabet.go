package tokenizer

// The byte-to-unicode alphabet of GPT-2: a printable character stands for each of the 256 bytes, so that a vocabulary
// of byte strings can be kept as text. Printable Latin-1 characters stand for themselves; the other 68 bytes, in
// ascending order, are U+0100, U+0101, and so on.
// Source: bytes_to_unicode in openai/gpt-2, src/encoder.py.

const alphabetEnd = 0x100 + 68 // one past the last character of the alphabet

var (
	byteToRune [256]rune
	runeToByte [alphabetEnd]int16 // -1: not in the alphabet
)

func init() {
	for r := range runeToByte {
		runeToByte[r] = -1
	}
	next := rune(0x100)
	for b := range byteToRune {
		r := rune(b)
		if !printableLatin1(r) {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = int16(b)
	}
}

func printableLatin1(r rune) bool {
	return r >= '!' && r <= '~' || r >= 0xa1 && r <= 0xac || r >= 0xae && r <= 0xff
}

// appendAlphabet appends the bytes that s spells in the alphabet. A string with a character outside the alphabet
// stands for its own UTF-8 bytes, as in the reference's decoder.
func appendAlphabet(dst []byte, s string) []byte {
	start := len(dst)
	for _, r := range s {
		if r >= alphabetEnd || runeToByte[r] < 0 {
			return append(dst[:start], s...)
		}
		dst = append(dst, byte(runeToByte[r]))
	}
	return dst
}
