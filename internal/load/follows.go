package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowdHost is a server whose actors all follow; they share one key.
type crowdHost struct {
	key     *rsa.PrivateKey
	pem     string
	fetched atomic.Int64
}

func newCrowdHost() (*crowdHost, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return &crowdHost{key: key, pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, err
}

// ServeHTTP answers for every actor, and takes every Accept.
func (c *crowdHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	c.fetched.Add(1)
	id := "http://" + r.Host + r.URL.Path
	w.Header().Set("Content-Type", "application/activity+json")
	fmt.Fprintf(w, `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],"id":%q,"type":"Person","preferredUsername":"u","inbox":%q,"publicKey":{"id":%q,"owner":%q,"publicKeyPem":%q}}`,
		id, id+"/inbox", id+"#main-key", id, c.pem)
}

// follow is a signed Follow that is ready to be sent.
func (c *crowdHost) follow(actor, id, address string) (*http.Request, error) {
	text := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":%q,"type":"Follow","actor":%q,"object":%q}`, id, actor, baseURL+"/users/user")
	digest := sha256.Sum256([]byte(text))
	req, err := http.NewRequest(http.MethodPost, "http://"+address+"/users/user/inbox", bytes.NewReader([]byte(text)))
	if err != nil {
		return nil, err
	}
	req.Host = strings.TrimPrefix(baseURL, "http://")
	req.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	req.Header.Set("Content-Type", "application/activity+json")
	req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]))
	signature, err := sign(c.key, "(request-target): post /users/user/inbox\nhost: "+req.Host+"\ndate: "+req.Header.Get("Date")+"\ndigest: "+req.Header.Get("Digest"))
	req.Header.Set("Signature", `keyId="`+actor+`#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="`+signature+`"`)
	return req, err
}

// measureFollows has actors on 127.2.x.y follow, and then follow again.
func measureFollows(ctx context.Context, b *bench) (string, error) {
	const n = 2000
	c, err := newCrowdHost()
	if err != nil {
		return "", err
	}
	h, err := newHosts("")
	if err != nil {
		return "", err
	}
	defer h.close()
	h.server.Handler = c
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	var rates []float64
	for round := range 2 {
		rate, err := c.burst(d.address, h, n, round)
		if err != nil {
			return "", err
		}
		rates = append(rates, rate)
	}
	return fmt.Sprintf("%.0f/s; %.0f/s (%d documents fetched for %d actors)", rates[0], rates[1], c.fetched.Load(), n), nil
}

// burst sends the Follows of n actors, 8 at a time, and returns how many were taken a second.
func (c *crowdHost) burst(address string, h *hosts, n, round int) (float64, error) {
	requests := make(chan *http.Request, n)
	for i := range n {
		actor := h.actor(i)
		req, err := c.follow(actor, fmt.Sprintf("%s/follows/%d", actor, round), address)
		if err != nil {
			return 0, err
		}
		requests <- req
	}
	close(requests)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	var refused atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range 8 {
		wg.Go(func() {
			for req := range requests {
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != http.StatusAccepted {
					refused.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if refused.Load() > 0 {
		return 0, fmt.Errorf("%d of %d Follows were not taken", refused.Load(), n)
	}
	return float64(n) / took.Seconds(), nil
}
