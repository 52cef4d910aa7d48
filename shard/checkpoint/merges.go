package checkpoint

import (
	"fmt"
	"strings"
)

// splitMerges cuts "left right" into pairs. Tokens are in GPT-2's alphabet, which has no space, so the first
// space is the separator.
func splitMerges(lines []string) ([][2]string, error) {
	out := make([][2]string, len(lines))
	for i, line := range lines {
		left, right, ok := strings.Cut(line, " ")
		if !ok || left == "" || right == "" {
			return nil, fmt.Errorf("merge %d is %q, want two tokens with a space between", i, line)
		}
		out[i] = [2]string{left, right}
	}
	return out, nil
}
