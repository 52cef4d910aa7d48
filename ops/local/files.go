package local

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DataDir is where a cluster's state lives unless told otherwise: the user's data directory.
func DataDir() (string, error) {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" {
		return filepath.Join(d, "stagecoach"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("local: no home directory; give --data DIR: %w", err)
	}
	return filepath.Join(home, ".local", "share", "stagecoach"), nil
}

// Cluster is what cluster.json tells the other commands of a running cluster.
type Cluster struct {
	Name  string   `json:"name"`
	NATS  string   `json:"nats"`
	Seeds []string `json:"seeds"` // gossip addresses
	HTTP  string   `json:"http"`  // router's base URL
	// TLSCert is the PEM file of the certificate that the router shows, "" for plain HTTP.
	TLSCert string `json:"tls_cert,omitempty"`
	Admin   string `json:"admin"` // router's admin base URL
	PID     int    `json:"pid"`   // of the supervisor
	// PIDs are the processes of the roles by name: nats, coordinator, router, shard-1, …
	PIDs   map[string]int `json:"pids"`
	Secret string         `json:"secret_file"`
}

const clusterFile = "cluster.json"

// ReadCluster reads cluster.json of a data folder.
func ReadCluster(dir string) (*Cluster, error) {
	b, err := os.ReadFile(filepath.Join(dir, clusterFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("local: no cluster runs from %s: start one with `stagecoach up`, or name its folder with --data", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("local: read cluster file: %w", err)
	}
	var c Cluster
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("local: %s is not readable: %w", filepath.Join(dir, clusterFile), err)
	}
	return &c, nil
}

// replace writes a private file so that a reader sees the old or the new one whole.
func replace(path string, b []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("local: write %s: %w", path, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("local: write %s: %w", path, err)
	}
	return nil
}

// ReadSecret reads a cluster secret: hex or any text of at least 16 characters.
func ReadSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("local: read cluster secret: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if len(s) < 16 {
		return nil, fmt.Errorf("local: the secret in %s is too short: at least 16 characters", path)
	}
	return []byte(s), nil
}

// MakeSecret makes the secret file where there is none yet.
func MakeSecret(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("local: make cluster secret: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteString(rand.Text() + "\n"); err != nil {
		return fmt.Errorf("local: make cluster secret: %w", err)
	}
	return f.Sync()
}
