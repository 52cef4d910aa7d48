package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/stagecoach-llm/stagecoach/ops/local"
)

// checkTLS finds mistakes in the certificate before anything is started.
func (f *routerFlags) checkTLS() error {
	if f.TLSCert == "" && f.TLSKey == "" {
		return nil
	}
	if f.TLSCert == "" || f.TLSKey == "" {
		return errors.New("TLS needs both --tls-cert and --tls-key")
	}
	if _, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey); err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", f.TLSCert, f.TLSKey, err)
	}
	return nil
}

// clientOf is the client for a cluster on this machine whose endpoint shows the certificate in a PEM file; "" is plain HTTP.
// The commands reach that endpoint by its address, for which the certificate need not be: they compare it with the file.
func clientOf(certFile string) *http.Client {
	if certFile == "" {
		return http.DefaultClient
	}
	pinned, known := pinnedClients.Load(certFile)
	if !known {
		pinned, _ = pinnedClients.LoadOrStore(certFile, newPinned(certFile))
	}
	return pinned.(*http.Client)
}

// pinnedClients holds a client for each certificate file, so that connections are used again.
var pinnedClients sync.Map

func newPinned(certFile string) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection does more: it wants this one certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			want, err := readLeaf(certFile)
			if err == nil && !want.Equal(s.PeerCertificates[0]) {
				err = fmt.Errorf("the endpoint shows another certificate than %s", certFile)
			}
			return err
		},
	}
	return &http.Client{Transport: transport}
}

// curl is how a person's command reaches the cluster: curl's arguments up to the path. It names the host that the certificate
// is for, and the file where nobody else vouches for it.
func curl(cl local.Cluster) string {
	base, flags := cl.HTTP, ""
	if cl.TLSCert == "" {
		return "curl " + base
	}
	leaf, err := readLeaf(cl.TLSCert)
	u, notURL := url.Parse(base)
	if err != nil || notURL != nil {
		return "curl " + base
	}
	if leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature) == nil {
		flags = "--cacert " + cl.TLSCert + " "
	}
	named := slices.IndexFunc(leaf.DNSNames, func(name string) bool { return !strings.Contains(name, "*") })
	if leaf.VerifyHostname(u.Hostname()) != nil && named >= 0 {
		base = "https://" + net.JoinHostPort(leaf.DNSNames[named], u.Port())
	}
	return "curl " + flags + base
}

// readLeaf reads the first certificate of a PEM file.
func readLeaf(file string) (*x509.Certificate, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, fmt.Errorf("%s has no certificate", file)
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}
