// Package api is the OpenAI endpoint: routes, validation, answers and their errors.
//
// # The way of a request
//
//	server.go      routes, request ids, CORS, metrics
//	auth.go        which key
//	browser.go     what a web page may do while there is none
//	queue.go       what requests may take before they are admitted
//	fields.go      the JSON object: null is absent, unknown fields are ignored, a wrong one is 400 with its name
//	sampling.go    fields that all endpoints have
//	chat.go        messages and tools -> prompt, by the model's template
//	completion.go  text or token ids -> prompts
//	response.go    /v1/responses, as a chat request under other names
//	grammar.go     response_format and tool_choice -> what the last shard enforces
//	job.go         one valid request
//	run.go         its streams of tokens, from admission to the end
//	take.go        what came: to text, and more credit for it
//	deliver.go     what is journalled before it is written, settlement
//	choice.go      tokens -> text: whole characters, stop strings, log-probabilities
//	output.go      text -> one body or a stream of chunks
//	tokenize.go    tokens and prompts, without running anything
//	key.go         what the owner of a key may know of it
//	errors.go      every error as one envelope
//
// A job belongs to the goroutine of its handler. Text never leaves this package for the pipeline: there are only token ids.
//
// # What is promised
//
// A position is journalled before its text is written. The first byte waits until the request's hold is on disk. A request is
// settled once, before the last bytes of its answer, so that who has the answer finds it in the usage. When the client goes away,
// the work is cancelled and what was delivered is billed; an answer that is not streamed bills its prompt then.
//
// # Echo with log-probabilities
//
// The pipeline scores a prompt once for all its choices, which begin when the scores are complete. tokens then has an entry
// for every token of prompt and answer, also for the one that ended it: evaluation harnesses count them. With max_tokens 0,
// or where the budget pays no token, one choice that samples nothing stands for all.
//
// # What an answer must be
//
// response_format and tool_choice become a grammar (grammar.go), which the last shard enforces. It is compiled here first: what
// cannot be enforced is refused with its keyword and place, never ignored.
package api
