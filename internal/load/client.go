package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// roleClient is a bare client in a process of its own: it signs and posts, and does nothing else.
const roleClient = "client"

// job is what the bare client does; it comes on standard input as JSON.
type job struct {
	Inboxes  []string // empty: it only signs
	Sign     int      // so often
	Connect  string   // every name leads to this address, if set
	Trust    string   // file with a certificate
	InFlight int
}

// spent is what it took; it comes on standard output as JSON.
type spent struct {
	Wall time.Duration
	CPU  time.Duration
}

// bare has a job done by a process of its own.
func (b *bench) bare(ctx context.Context, j job) (spent, error) {
	in, err := json.Marshal(j)
	if err != nil {
		return spent{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return spent{}, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), roleVariable+"="+roleClient)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return spent{}, fmt.Errorf("the bare client: %w", err)
	}
	var s spent
	return s, json.Unmarshal(out, &s)
}

func runClient(ctx context.Context) error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	before, err := cpu(os.Getpid())
	if err != nil {
		return err
	}
	began := time.Now()
	if len(j.Inboxes) == 0 {
		err = signMany(key, j.Sign)
	} else {
		err = postMany(ctx, key, j)
	}
	wall := time.Since(began)
	after, cpuErr := cpu(os.Getpid())
	if err := errors.Join(err, cpuErr); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(spent{Wall: wall, CPU: after - before})
}

// signMany makes signatures on all cores.
func signMany(key *rsa.PrivateKey, n int) error {
	var wg sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	errs := make([]error, cores)
	for c := range cores {
		wg.Go(func() {
			for range n / cores {
				if _, err := sign(key, "text"); err != nil {
					errs[c] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func sign(key *rsa.PrivateKey, text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(s), err
}

// postMany signs and posts to every inbox, with so many in flight.
func postMany(ctx context.Context, key *rsa.PrivateKey, j job) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 1, ForceAttemptHTTP2: true}
	if j.Connect != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, j.Connect)
		}
	}
	if j.Trust != "" {
		text, err := os.ReadFile(j.Trust)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(text)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	slots := make(chan struct{}, j.InFlight)
	errs := make(chan error, len(j.Inboxes))
	for _, inbox := range j.Inboxes {
		slots <- struct{}{}
		go func() {
			errs <- postOne(ctx, client, key, inbox)
			<-slots
		}()
	}
	var all []error
	for range j.Inboxes {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// body is as large as a usual post.
var body = bytes.Repeat([]byte("0123456789abcdef"), 128)

func postOne(ctx context.Context, client *http.Client, key *rsa.PrivateKey, inbox string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, bytes.NewReader(body))
	if err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	req.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	req.Header.Set("Content-Type", "application/activity+json")
	req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]))
	text := "(request-target): post " + req.URL.Path + "\nhost: " + req.URL.Host + "\ndate: " + req.Header.Get("Date") + "\ndigest: " + req.Header.Get("Digest")
	signature, err := sign(key, text)
	if err != nil {
		return err
	}
	req.Header.Set("Signature", `keyId="k",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="`+signature+`"`)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("%s answered %s", inbox, resp.Status)
	}
	return err
}
