package api

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A router that needs no key yet serves whoever reaches it, and the browser of somebody on its machine does, for any page: the page
// sends what needs no preflight, or comes under a name of its own that it has had resolved to the router's address, and then reads
// the answers, too. The request tells both.

// fromPage refuses a request without a key that a web page may have made.
func (s *Server) fromPage(r *http.Request) *Error {
	if slices.Contains(s.Origins, "*") {
		return nil
	}
	const makeKey = "make a key with `stagecoach keys create` and send it as `Authorization: Bearer sk-…`."
	e := &Error{Status: http.StatusForbidden, Type: typePermission}
	switch origin := r.Header.Get("Origin"); {
	case origin != "" && !s.mayCall(origin):
		e.Code = "origin_not_allowed"
		e.Message = "Pages of other origins may not use this router while it has no API keys. Name the origin with --cors-origin, or " + makeKey
	case r.TLS == nil && !s.mayName(hostOf(r.Host)): // with TLS, the browser has compared the name with the certificate
		e.Code = "host_not_allowed"
		e.Message = "While this router has no API keys, it answers to its address, to localhost and to names without a dot only, lest a web " +
			"page reach it under a name of its own. To use it under this name, " + makeKey
	default:
		return nil
	}
	s.metrics.refused.WithLabelValues("page").Inc()
	return e
}

// mayCall reports whether pages of an origin may call: those that are named, and those of this machine.
func (s *Server) mayCall(origin string) bool {
	u, err := url.Parse(origin)
	return slices.Contains(s.Origins, origin) || err == nil && ownMachine(u.Hostname())
}

// mayName reports whether a request may call the router by a name: one that no page can have in the public DNS, or one of a named
// origin.
func (s *Server) mayName(host string) bool {
	return !strings.Contains(host, ".") || net.ParseIP(host) != nil || ownMachine(host) || slices.ContainsFunc(s.Origins, func(origin string) bool {
		u, err := url.Parse(origin)
		return err == nil && strings.EqualFold(u.Hostname(), host)
	})
}

// ownMachine reports whether a host is the machine of the browser.
func ownMachine(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// hostOf is a Host header without its port.
func hostOf(header string) string {
	u := url.URL{Host: header}
	return strings.TrimSuffix(u.Hostname(), ".")
}
