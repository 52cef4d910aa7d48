package grammar

import "sync"

const (
	octet  = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	ipv4   = octet + `(\.` + octet + `){3}`
	label  = `[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?`
	domain = label + `(\.` + label + `){0,3}`
	leap   = `([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)`
	date   = `([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|` + leap + `-02-29)`
	hours  = `([01][0-9]|2[0-3])`
	clock  = hours + `:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]` + hours + `:[0-5][0-9])`
	hex4   = `[0-9a-fA-F]{4}`
	h16    = `[0-9a-fA-F]{1,4}`
	ipv6   = `((` + h16 + `:){7}` + h16 + `|(` + h16 + `:){1,7}:|(` + h16 + `:){1,6}:` + h16 + `|(` + h16 + `:){1,5}(:` + h16 + `){1,2}|(` +
		h16 + `:){1,4}(:` + h16 + `){1,3}|(` + h16 + `:){1,3}(:` + h16 + `){1,4}|(` + h16 + `:){1,2}(:` + h16 + `){1,5}|` +
		h16 + `:(:` + h16 + `){1,6}|:((:` + h16 + `){1,7}|:))`
	count     = `[0-9]{1,6}`
	days      = `(` + count + `Y(` + count + `M(` + count + `D)?)?|` + count + `M(` + count + `D)?|` + count + `D)`
	hms       = `T(` + count + `H(` + count + `M(` + count + `S)?)?|` + count + `M(` + count + `S)?|` + count + `S)`
	duration  = `P(` + days + `(` + hms + `)?|` + hms + `|` + count + `W)`
	unescaped = `[A-Za-z0-9._~!$&'()*+,;=:@-]`
	uri       = `[a-z][a-z0-9+.-]{0,11}://` + domain + `(:[1-9][0-9]{0,3})?(/` + unescaped + `{0,64}){0,8}(\?(` + unescaped + `|[/?]){0,128})?(#(` + unescaped + `|[/?]){0,64})?`
	mailbox   = `[A-Za-z0-9_+-]{1,24}(\.[A-Za-z0-9_+-]{1,12}){0,2}`
)

// formats are the formats that are enforced, as regular expressions: of each a part that is large enough to say all that is
// common (a domain has up to four labels of up to 30 characters; a uri an authority and no percent-encoding), and nothing beyond it.
// Sources: RFC 3339 (dates, times without leap seconds, durations), RFC 9562 (uuid), RFC 5321 (email), RFC 1123 (hostname), RFC 4291 (ipv6),
// RFC 3986 (uri).
var formats = map[string]func() (*runeDFA, error){
	"date":      format(date),
	"time":      format(clock),
	"date-time": format(date + `T` + clock),
	"uuid":      format(hex4 + hex4 + `(-` + hex4 + `){3}-` + hex4 + hex4 + hex4),
	"email":     format(mailbox + `@` + domain),
	"hostname":  format(domain),
	"ipv4":      format(ipv4),
	"ipv6":      format(ipv6),
	"duration":  format(duration),
	"uri":       format(uri),
}

// format compiles a pattern when it is first needed.
func format(pattern string) func() (*runeDFA, error) {
	return sync.OnceValues(func() (*runeDFA, error) { return compilePattern("^"+pattern+"$", new(int)) })
}
