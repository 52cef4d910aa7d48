// Package sample turns logits into the next token, and into log-probabilities.
//
// One [Sampler] belongs to one sequence. What it keeps from token to token only saves time: what it draws is a function of the
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
//  5. stop ids become -Inf while the output has fewer than MinTokens tokens, unless a grammar leaves nothing else to be said
//  6. temperature 0: the largest logit, the lowest id of equals. Else the weight of each id is
//     w = exp((l - max)·(1/temperature)) in float64
//  7. candidates are ranked by logit descending, id ascending. Top-k keeps the first k, top-p the fewest whose weights
//     sum to p of the total or more, min-p those with w >= p. In this order, each of what the one before left
//  8. the token is the first whose cumulative weight exceeds u·mass, u uniform in [0, 1)
//
// With a grammar, a token that it does not allow is drawn once more: steps 6 to 8 run again over the logits of step 5 in which
// every token that is not allowed is -Inf, with a second u. Stop ids are allowed exactly where the answer may end. Where nothing is cut, this
// has the distribution of one draw from what is allowed: p + (1-P)·p/P = p/P for a token of probability p among allowed ones of
// probability P. At temperature 0 it is the largest logit that is allowed. The mask is needed only for what was rejected.
//
// Sums are plain float64, no product fused into a sum: cumulative sums run in rank order, and the total that nothing has
// cut yet is summed by ascending id, so that drawing needs no sort of the whole vocabulary.
//
// u is a hash of seed, choice and position ([uniform]) and nothing else; the second u ([again]) is another one of the same.
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
