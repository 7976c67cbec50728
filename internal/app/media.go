package app

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/gorilla/mux"
)

const (
	mediaFolder = "media" // below the data directory
	// maxMedia is half of what Mastodon takes for an avatar; anything near it is a mistake.
	maxMedia = 8 << 20
)

// takeMedia copies a picture into the data directory under a name made from its content, so that a changed
// picture has another address (other servers fetch it again only then) and an old address stays good.
func takeMedia(dataDir, file string) (name, kind string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", "", fmt.Errorf("open the picture: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxMedia+1))
	switch {
	case err != nil:
		return "", "", fmt.Errorf("read the picture: %w", err)
	case len(body) > maxMedia:
		return "", "", fmt.Errorf("%s is larger than %d MB; make it smaller", file, maxMedia>>20)
	}
	kind = http.DetectContentType(body)
	ext := pictureExt(kind)
	if ext == "" {
		return "", "", fmt.Errorf("%s is no PNG, JPEG, GIF or WebP picture", file)
	}
	sum := sha256.Sum256(body)
	name = hex.EncodeToString(sum[:16]) + ext
	return name, kind, keepMedia(filepath.Join(dataDir, mediaFolder), name, body)
}

func keepMedia(dir, name string, body []byte) error {
	path := filepath.Join(dir, name)
	if fi, err := os.Stat(path); err == nil && fi.Size() == int64(len(body)) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the picture: %w", err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return fmt.Errorf("keep the picture: %w", err)
	}
	return nil
}

func pictureExt(kind string) string {
	switch kind {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	}
	return ""
}

// serveMedia serves the pictures that takeMedia kept, and no other file: only such names are looked at.
func (a *App) serveMedia(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["name"]
	if !regexp.MustCompile(`^[0-9a-f]{32}\.(png|jpg|gif|webp)$`).MatchString(name) {
		text(w, http.StatusNotFound, "not found")
		return
	}
	f, err := os.Open(filepath.Join(a.cfg.DataDir, mediaFolder, name))
	if err != nil {
		text(w, http.StatusNotFound, "not found")
		return
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		text(w, http.StatusInternalServerError, "the picture cannot be read")
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", `"`+name[:32]+`"`)
	http.ServeContent(w, r, name, fi.ModTime(), f)
}
