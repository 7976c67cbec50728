package msgsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/dunglas/httpsfv"
)

// Digest is the Content-Digest of a body, by SHA-256 (RFC 9530 §2): the one that Mastodon 4.5 reads.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// CheckDigest compares the lines of a Content-Digest field with a body. At least one digest by SHA-256 or
// SHA-512 must be there, and each of those that is there must be right; digests by other algorithms are not
// looked at.
func CheckDigest(lines []string, body []byte) error {
	d, err := dictionary(lines)
	if err != nil {
		return fmt.Errorf("the Content-Digest: %w", err)
	}
	found := 0
	for _, name := range d.Names() {
		sum := digest(name, body)
		if sum == nil {
			continue
		}
		found++
		member, _ := d.Get(name)
		item, _ := member.(httpsfv.Item)
		claimed, _ := item.Value.([]byte)
		if !bytes.Equal(claimed, sum) {
			return errors.New("the Content-Digest is not that of the body")
		}
	}
	if found == 0 {
		return errors.New("the Content-Digest has neither sha-256 nor sha-512")
	}
	return nil
}

// digest is the digest of a body by the algorithm of that name; nil where that is not known.
func digest(name string, body []byte) []byte {
	switch name {
	case "sha-256":
		sum := sha256.Sum256(body)
		return sum[:]
	case "sha-512":
		sum := sha512.Sum512(body)
		return sum[:]
	}
	return nil
}
