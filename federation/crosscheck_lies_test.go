//go:build interop

package federation

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lies are requests that differ from the signed one in a single thing, by its name. A query that was added is not
// among them: older Mastodon versions sign the path alone, and so a query is believed where only that was signed.
func (c crossRequest) lies() map[string]crossRequest {
	lies := map[string]crossRequest{}
	lie := func(name string, bend func(*crossRequest)) {
		other := c
		other.Headers = maps.Clone(c.Headers)
		bend(&other)
		lies[name] = other
	}
	signature := "signature"
	lie("path", func(r *crossRequest) { r.Target = "/x" + r.Target })
	lie("method", func(r *crossRequest) { r.Method = map[bool]string{true: "PUT", false: "POST"}[r.Method == "POST"] })
	lie("addressee", func(r *crossRequest) { r.Base = "https://other.example" }) // it is played back to another server
	lie("time", func(r *crossRequest) { r.Now += 3 * time.Hour.Milliseconds() })
	lie("signature", func(r *crossRequest) { r.Headers[signature] = otherSignature(r.Headers[signature]) })
	if before, after, ok := strings.Cut(c.Target, "?"); ok && after != "" {
		lie("query", func(r *crossRequest) { r.Target = before + "?x" + after })
		lie("lack of a query", func(r *crossRequest) { r.Target = before })
	}
	if c.Body != nil {
		lie("body", func(r *crossRequest) { r.Body = append(slices.Clone(r.Body), ' ') })
		lie("digest", func(r *crossRequest) {
			r.Body = append(slices.Clone(r.Body), ' ')
			r.setDigest()
		})
	}
	for _, name := range c.Sign.Covered {
		if _, ok := c.Headers[name]; ok && name != "host" && !strings.Contains(name, "digest") {
			lie("header "+name, func(r *crossRequest) { r.Headers[name] = otherHeader(name, r.Headers[name]) })
		}
	}
	if input := c.Headers["signature-input"]; input != "" {
		lie("coverage", func(r *crossRequest) {
			r.Headers["signature-input"] = strings.Replace(strings.Replace(input, ` "@method"`, "", 1), `("@method"`, "(", 1)
		})
		lie("creation", func(r *crossRequest) { r.Headers["signature-input"] = laterCreated(input) })
		return lies
	}
	lie("coverage", func(r *crossRequest) {
		r.Headers[signature] = strings.Replace(r.Headers[signature], "(request-target)", "x-y", 1)
	})
	if strings.Contains(c.Headers[signature], "created=") {
		lie("creation", func(r *crossRequest) { r.Headers[signature] = laterCreated(r.Headers[signature]) })
	}
	return lies
}

// setDigest makes the digest fit the body, as somebody on the way could.
func (c *crossRequest) setDigest() {
	if _, ok := c.Headers["content-digest"]; ok {
		c.Headers["content-digest"] = "sha-256=:" + strings.TrimPrefix(digestOf(c.Body), "SHA-256=") + ":"
	}
	if _, ok := c.Headers["digest"]; ok {
		c.Headers["digest"] = digestOf(c.Body)
	}
}

// otherSignature changes a letter within the signature.
func otherSignature(header string) string {
	i := strings.LastIndexAny(header, `":`) // it is the last thing, in quotes or colons, in all of the libraries
	if strings.HasPrefix(header, "keyId") {
		i = strings.Index(header, `signature="`) + len(`signature="`) + 40
	} else {
		i -= 40
	}
	return header[:i] + map[bool]string{true: "B", false: "A"}[header[i] == 'A'] + header[i+1:]
}

func otherHeader(name, value string) string {
	if name != "date" {
		return value + "x"
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return "no date"
	}
	return date.Add(time.Second).Format(http.TimeFormat)
}

func laterCreated(header string) string {
	before, after, _ := strings.Cut(header, "created=")
	digits := strings.TrimLeft(after, "0123456789")
	n, err := strconv.Atoi(strings.TrimSuffix(after, digits))
	if err != nil {
		return header
	}
	return before + "created=" + strconv.Itoa(n+1) + digits
}
