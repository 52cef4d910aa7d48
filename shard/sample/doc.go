// Package sample turns logits into the next token, and into log-probabilities.
//
// One [Sampler] belongs to one sequence. It keeps no state from token to token: what it draws is a function of the
// logits, the history, the parameters and the position, so a sequence that is recomputed elsewhere goes on with the same tokens.
//
// # What is computed
//
// Logits are float32, one per id of the vocabulary. A NaN or +Inf is an error. In this order:
//
//  1. padding ids become -Inf (they are never sampled and have no part in log-probabilities)
//  2. logit bias is added (float32)
//  3. repetition penalty, once per distinct token of prompt and output: l/r where l > 0, else l·r (float64, then
//     rounded to float32); as Hugging Face transformers' RepetitionPenaltyLogitsProcessor
//  4. presence and frequency, tokens of the output only: l - (frequency·count + presence) (float64, rounded once);
//     as OpenAI's API reference
//  5. stop ids become -Inf while the output has fewer than MinTokens tokens
//  6. temperature 0: the largest logit, the lowest id of equals. Else the weight of each id is
//     w = exp((l - max)·(1/temperature)) in float64
//  7. candidates are ranked by logit descending, id ascending. Top-k keeps the first k, top-p the fewest whose weights
//     sum to p of the total or more, min-p those with w >= p. In this order, each of what the one before left
//  8. the token is the first whose cumulative weight exceeds u·mass, u uniform in [0, 1)
//
// Sums are plain float64, no product fused into a sum: cumulative sums run in rank order, and the total that nothing has
// cut yet is summed by ascending id, so that drawing needs no sort of the whole vocabulary.
//
// u is a hash of seed, choice and position ([uniform]) and nothing else.
//
// Log-probabilities are those of the model: of the logits after step 1, before any parameter. They are
// (l - max) - log Σ exp(l - max) in float32, in the order that kernels.LogSum defines.
//
// # Caveats
//
// A [Vocab] holds scratch memory that its samplers share: it and they belong to one goroutine.
//
// A changed rule on this page changes served tokens: it is a new version of the arithmetic.
package sample
