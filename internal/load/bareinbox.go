package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// roleInbox is a bare inbox in a process of its own: it fetches the actor where it is new, verifies, answers 202, and
// signs and posts an Accept. It checks nothing and keeps nothing but the keys: what remains are the signatures and
// the connections that a Follow needs.
const roleInbox = "inbox"

// bareDaemon starts it.
func (b *bench) bareDaemon(ctx context.Context) (*daemon, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &daemon{b: b, cmd: exec.CommandContext(ctx, program)}
	d.cmd.Env = append(os.Environ(), roleVariable+"="+roleInbox)
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		d.stop()
		return nil, fmt.Errorf("the bare inbox: %w", err)
	}
	d.address = strings.TrimSpace(line)
	return d, nil
}

// bareInbox is what the process does.
type bareInbox struct {
	key    *rsa.PrivateKey
	client *http.Client
	slots  chan struct{} // Accepts under way

	mu   sync.Mutex
	keys map[string]*rsa.PublicKey // by actor
}

func runInbox(ctx context.Context) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	fmt.Println(l.Addr())
	s := &bareInbox{
		key: key, keys: map[string]*rsa.PublicKey{}, slots: make(chan struct{}, 256),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 30 * time.Second},
	}
	if err := http.Serve(l, s); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *bareInbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	follow, err := s.take(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	go func() {
		s.slots <- struct{}{}
		defer func() { <-s.slots }()
		_ = postOne(context.Background(), s.client, s.key, follow+"/inbox")
	}()
}

// take verifies a Follow and returns its actor.
func (s *bareInbox) take(r *http.Request) (actor string, err error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	var follow struct{ Actor string }
	if err := json.Unmarshal(text, &follow); err != nil {
		return "", err
	}
	s.mu.Lock()
	key := s.keys[follow.Actor]
	s.mu.Unlock()
	if key == nil {
		if key, err = s.fetch(follow.Actor); err != nil {
			return "", err
		}
		s.mu.Lock()
		s.keys[follow.Actor] = key
		s.mu.Unlock()
	}
	_, value, _ := strings.Cut(r.Header.Get("Signature"), `signature="`)
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(value, `"`))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(signedText(r)))
	return follow.Actor, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// fetch reads the key of an actor with a signed request.
func (s *bareInbox) fetch(actor string) (*rsa.PublicKey, error) {
	r, err := http.NewRequest(http.MethodGet, actor, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	signature, err := sign(s.key, "(request-target): get "+r.URL.Path+"\nhost: "+r.URL.Host+"\ndate: "+r.Header.Get("Date"))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Signature", `keyId="k",algorithm="rsa-sha256",headers="(request-target) host date",signature="`+signature+`"`)
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var doc struct {
		PublicKey struct{ PublicKeyPem string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(doc.PublicKey.PublicKeyPem))
	if block == nil {
		return nil, errors.New("no key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(*rsa.PublicKey), nil
}

// signedText is what a Follow of the crowd signs.
func signedText(r *http.Request) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "(request-target): post %s\nhost: %s\ndate: %s\ndigest: %s", r.URL.Path, r.Host, r.Header.Get("Date"), r.Header.Get("Digest"))
	return b.String()
}
