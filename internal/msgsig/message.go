package msgsig

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/dunglas/httpsfv"
)

// Message is a request as far as signatures are about it.
type Message struct {
	Method string
	// Base is the scheme and authority that the request is for, "https://fedi.example.com": of an incoming
	// request our own public one, never what the request itself says.
	Base   string
	Target string      // path and query, byte for byte as on the wire
	Host   string      // value of the field Host, which Go keeps apart from the others
	Header http.Header // all other fields
	Body   []byte      // nil: the request has none
}

// component returns the value of a component: a field (RFC 9421 §2.1) or one derived from the message (§2.2).
// Nobody on the fediverse uses parameters of components, so those are not known here.
func (m Message) component(name string) (string, error) {
	if strings.HasPrefix(name, "@") {
		return m.derived(name)
	}
	if !isFieldName(name) {
		return "", fmt.Errorf("the signature covers %.40q, which is no field", name)
	}
	lines := m.Header.Values(name)
	if name == "host" {
		lines = []string{m.Host}
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("the signature covers %s, which the request has not", name)
	}
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = strings.Trim(line, " \t")
	}
	return strings.Join(trimmed, ", "), nil
}

func (m Message) derived(name string) (string, error) {
	path, query, _ := strings.Cut(m.Target, "?")
	scheme, authority := origin(m.Base)
	switch name {
	case "@method":
		return m.Method, nil
	case "@target-uri":
		return scheme + "://" + authority + m.Target, nil
	case "@authority":
		return authority, nil
	case "@scheme":
		return scheme, nil
	case "@request-target":
		return m.Target, nil
	case "@path":
		if path == "" {
			path = "/"
		}
		return path, nil
	case "@query":
		return "?" + query, nil // a lone ? where there is none, RFC 9421 §2.2.7
	}
	return "", fmt.Errorf("the signature covers %.40q, which is not known", name)
}

// origin splits an address into its scheme and its authority, normalised: in lower case and without the
// scheme's own port (RFC 9421 §2.2.3).
func origin(base string) (scheme, authority string) {
	u, err := url.Parse(base)
	if err != nil {
		return "", ""
	}
	port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	return u.Scheme, strings.TrimSuffix(strings.ToLower(u.Host), port)
}

// base is what is signed (RFC 9421 §2.5). The list is written anew, since the bytes that count are those of
// its one strict form, not those that came.
func (m Message) base(covered httpsfv.InnerList) (string, error) {
	var b strings.Builder
	for _, name := range names(covered) {
		value, err := m.component(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%q: %s\n", name, value)
	}
	params, err := httpsfv.Marshal(covered)
	if err != nil {
		return "", fmt.Errorf("write the signature's parameters: %w", err)
	}
	b.WriteString(`"@signature-params": ` + params)
	return b.String(), nil
}

// names are the components of a list.
func names(covered httpsfv.InnerList) []string {
	all := make([]string, 0, len(covered.Items))
	for _, item := range covered.Items {
		name, _ := item.Value.(string)
		all = append(all, name)
	}
	return all
}

// isFieldName reports whether s is a field's name in lower case, as components are written (RFC 9421 §2.1).
func isFieldName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}
