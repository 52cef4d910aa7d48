package api

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/stagecoach-llm/stagecoach/router/chat"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// tokenList is the answer of /tokenize, with the fields of vLLM's and of llama.cpp's.
type tokenList struct {
	Count   int      `json:"count"`
	Context int      `json:"max_model_len"`
	Tokens  any      `json:"tokens"`     // []int32, or []tokenPiece where pieces are asked for
	Strings []string `json:"token_strs"` // null unless asked for
}

// tokenPiece is a token and its text, or its bytes where they are no text by themselves.
type tokenPiece struct {
	ID    int32 `json:"id"`
	Piece any   `json:"piece"` // string or []int
}

// plainText is the answer of /detokenize: vLLM calls it prompt, llama.cpp content.
type plainText struct {
	Prompt  string `json:"prompt"`
	Content string `json:"content"`
}

// rendered is the answer of /apply-template.
type rendered struct {
	Prompt string `json:"prompt"`
}

// asked reads the body of a request that may name its model.
func (s *Server) asked(w http.ResponseWriter, r *http.Request) (*object, *Model, *Error) {
	o, err := s.body(w, r)
	if err != nil {
		return nil, nil, err
	}
	if o.has("model") {
		m, err := s.named(o)
		return o, m, err
	}
	m := s.Model()
	if m == nil {
		return nil, nil, s.noModel()
	}
	return o, m, nil
}

func (s *Server) tokenize(w http.ResponseWriter, r *http.Request, _ string) *Error {
	o, m, err := s.asked(w, r)
	if err != nil {
		return err
	}
	list, err := readTokens(o, m)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func readTokens(o *object, m *Model) (tokenList, *Error) {
	var ids []int32
	var err *Error
	if o.has("messages") {
		ids, err = readConversation(o, m)
	} else {
		ids = readPlain(o, m)
	}
	strs, pieces := o.boolean("return_token_strs", false), o.boolean("with_pieces", false)
	if o.take(err); o.err != nil {
		return tokenList{}, o.err
	}
	list := tokenList{Count: len(ids), Context: m.context(), Tokens: append([]int32{}, ids...)}
	if strs {
		list.Strings = make([]string, len(ids))
		for i, id := range ids {
			list.Strings[i] = tokenString(m.Tokens.TokenBytes(id))
		}
	}
	if pieces {
		list.Tokens = tokenPieces(m, ids)
	}
	return list, nil
}

// readPlain are the ids of text as /v1/completions reads it, unless the fields ask for something else.
func readPlain(o *object, m *Model) []int32 {
	field := "prompt"
	if !o.has(field) && o.has("content") {
		field = "content"
	}
	if !o.has(field) {
		o.fail("prompt", "it is required, or content, or messages")
	}
	text := o.str(field, "")
	encode := m.Tokens.Encode
	if o.boolean("parse_special", false) {
		encode = m.Tokens.EncodeSpecial
	}
	ids := encode(text)
	bos, add := m.Tokens.BOS()
	if o.boolean("add_special_tokens", o.boolean("add_special", field == "prompt")) && add {
		ids = append([]int32{bos}, ids...)
	}
	return ids
}

// readConversation are the ids of a chat request's prompt.
func readConversation(o *object, m *Model) ([]int32, *Error) {
	segments, err := readRendered(o, m)
	if err != nil {
		return nil, err
	}
	return m.Tokens.EncodeSegments(segments), nil
}

func readRendered(o *object, m *Model) ([]tokenizer.Segment, *Error) {
	messages := readMessages(o)
	tools, _, _ := readTools(o)
	generate := o.boolean("add_generation_prompt", true)
	if o.err != nil {
		return nil, o.err
	}
	return render(m, chat.Input{Messages: messages, Tools: tools, AddGenerationPrompt: generate})
}

func tokenPieces(m *Model, ids []int32) []tokenPiece {
	out := make([]tokenPiece, len(ids))
	for i, id := range ids {
		out[i] = tokenPiece{id, tokenPieceOf(m.Tokens.TokenBytes(id))}
	}
	return out
}

func tokenPieceOf(b []byte) any {
	if utf8.Valid(b) {
		return string(b)
	}
	return byteNumbers(b)
}

func (s *Server) detokenize(w http.ResponseWriter, r *http.Request, _ string) *Error {
	o, m, err := s.asked(w, r)
	if err != nil {
		return err
	}
	ids := readIDs(o, m)
	if o.err != nil {
		return o.err
	}
	text := m.Tokens.Decode(ids)
	writeJSON(w, http.StatusOK, plainText{text, text})
	return nil
}

func readIDs(o *object, m *Model) []int32 {
	list, ok := o.array("tokens")
	if !ok {
		o.fail("tokens", "it is required")
	}
	return tokenIDs(o, "tokens", list, m.vocabulary())
}

func (s *Server) applyTemplate(w http.ResponseWriter, r *http.Request, _ string) *Error {
	o, m, err := s.asked(w, r)
	if err != nil {
		return err
	}
	segments, err := readRendered(o, m)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, segment := range segments {
		text.WriteString(segment.Text)
	}
	writeJSON(w, http.StatusOK, rendered{text.String()})
	return nil
}
