// Package api is the OpenAI endpoint: routes, validation, answers and their errors.
//
// # The way of a request
//
//	server.go      routes, request ids, CORS, metrics
//	auth.go        which key
//	fields.go      the JSON object: null is absent, unknown fields are ignored, a wrong one is 400 with its name
//	sampling.go    fields that both endpoints have
//	chat.go        messages and tools -> prompt, by the model's template
//	completion.go  text or token ids -> prompts
//	job.go         admission, streams of tokens, what is journalled before it is written, settlement
//	choice.go      tokens -> text: whole characters, stop strings, log-probabilities
//	output.go      text -> one body or a stream of chunks
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
// # Not served
//
// response_format other than text, tool_choice required or a named function, echo with logprobs: 400 says so.
package api
