package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// writeCertificate writes the certificate of package httptest, which is for 127.0.0.1 and example.com, and vouches for itself.
func writeCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// A cluster whose endpoint speaks TLS becomes ready and is used like another: by its commands, and by the curl line it shows.
func TestUpWithTLS(t *testing.T) {
	certFile, keyFile := writeCertificate(t)
	c := up(t, "--shards", "1", "--tls-cert", certFile, "--tls-key", keyFile)
	if !strings.HasPrefix(c.base, "https://127.0.0.1:") {
		t.Errorf("the endpoint is %s", c.base)
	}
	p := pins(t)[0]
	if out := c.mustOps("chat", p.Messages[0].Content); strings.TrimSpace(out) != p.Text {
		t.Errorf("%q, want %q", out, p.Text)
	}
	c.mustOps("bench", "--requests", "2", "--tokens", "5")
	if out, err := c.ops("chat", "--url", c.base, "Hello!"); err == nil {
		t.Errorf("a certificate that nobody vouches for is taken from an address that was given: %s", out)
	}
	if want := "curl --cacert " + certFile + " " + c.base + "/v1/chat/completions"; !strings.Contains(c.output(), want) {
		t.Errorf("%s is not shown:\n%s", want, c.output())
	}
	other := filepath.Join(t.TempDir(), "none.pem")
	out, err := exec.Command(binary, "up", "--data", t.TempDir(), "--tls-cert", other, "--tls-key", keyFile).CombinedOutput()
	if err == nil || !strings.Contains(string(out), other) {
		t.Errorf("a certificate that is not there: %v, %s", err, out)
	}
}
