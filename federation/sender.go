package federation

import (
	"net/http"
	"strings"
	"time"
)

// provedMost is how many activities of one host with a right signature are taken in an hour. Each costs a write to
// the disk and perhaps an answer. The followers of an account that moves here come within minutes, ten thousand of
// them from one large server perhaps; whoever has more is asked to go on later.
const provedMost = 20_000

// provedWindow is the time that provedMost is for.
const provedWindow = time.Hour

// refusePacked refuses a body with a Content-Encoding (415, RFC 9110 §15.5.16). No server packs what it sends to an
// inbox (Mastodon 4.6, GoToSocial 0.20, Misskey 2025.11, Akkoma, Lemmy, Fedify 2.3), since the digest is of the
// bytes as they are sent; unpacking for a stranger would only invite bombs.
func refusePacked(h http.Header) error {
	for _, line := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return &refusal{status: http.StatusUnsupportedMediaType, reason: "send the activity unpacked, without Content-Encoding"}
			}
		}
	}
	return nil
}
