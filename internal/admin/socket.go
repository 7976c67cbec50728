package admin

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

const (
	socketFile = "crier.sock"  // below the data directory
	socketNew  = ".crier.sock" // before it has its mode
	socketNote = "socket"      // below the data directory: names the socket that is used instead
	// maxSocketPath is what every Unix takes for the name of a socket: 104 bytes with the closing NUL on
	// the BSDs and macOS, 108 on Linux.
	maxSocketPath = 103
	// tempPrefix begins the folder of a socket whose proper name would be too long.
	tempPrefix = "crier-"
)

// Socket is the daemon's end of the control socket.
type Socket struct {
	net.Listener
	Path    string // where it is
	Instead bool   // not at its proper name, which would be too long
	dataDir string
}

// Listen makes the control socket of the daemon that holds the store in dataDir, with mode 0600. Whatever
// lies at its name is stale and replaced, since only one process can hold the store. Where the name is
// too long for a socket, one in a folder for temporary files is made and its name written to
// dataDir/socket.
func Listen(dataDir string) (*Socket, error) {
	removeNoted(dataDir)
	dir, instead := dataDir, false
	if len(filepath.Join(dataDir, socketNew)) > maxSocketPath {
		tmp, err := os.MkdirTemp("", tempPrefix)
		if err != nil {
			return nil, fmt.Errorf("make a folder for the control socket: %w", err)
		}
		dir, instead = tmp, true
	}
	s := &Socket{Path: filepath.Join(dir, socketFile), Instead: instead, dataDir: dataDir}
	if err := s.bind(filepath.Join(dir, socketNew)); err != nil {
		return nil, errors.Join(fmt.Errorf("make the control socket: %w", err), s.remove())
	}
	if !instead {
		return s, nil
	}
	if err := os.WriteFile(filepath.Join(dataDir, socketNote), []byte(s.Path+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write down where the control socket is: %w", err), s.Close())
	}
	return s, nil
}

// bind makes the socket under another name first, so that under its own it never had a mode but 0600.
func (s *Socket) bind(first string) error {
	if err := os.Remove(first); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	s.Listener = l
	if err := os.Chmod(first, 0o600); err != nil {
		return errors.Join(err, l.Close(), os.Remove(first))
	}
	if err := os.Rename(first, s.Path); err != nil {
		return errors.Join(err, l.Close(), os.Remove(first))
	}
	return nil
}

// Close closes the socket and removes it and the note about it.
func (s *Socket) Close() error {
	err := s.Listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(err, s.remove())
}

func (s *Socket) remove() error {
	err := ignoreMissing(os.Remove(s.Path))
	if !s.Instead {
		return err
	}
	return errors.Join(err,
		ignoreMissing(os.Remove(filepath.Dir(s.Path))),
		ignoreMissing(os.Remove(filepath.Join(s.dataDir, socketNote))))
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// removeNoted clears away what a killed daemon left in the folder for temporary files. Failures do not
// matter: the note is written anew or not looked at.
func removeNoted(dataDir string) {
	path, ok := noted(dataDir)
	if !ok {
		return
	}
	dir := filepath.Dir(path)
	if strings.HasPrefix(filepath.Base(dir), tempPrefix) && filepath.Base(path) == socketFile {
		_ = os.Remove(path)
		_ = os.Remove(dir)
	}
	_ = os.Remove(filepath.Join(dataDir, socketNote))
}

func noted(dataDir string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(dataDir, socketNote))
	path := strings.TrimSpace(string(b))
	return path, err == nil && path != ""
}

// SocketPath returns where the daemon of that data directory has its control socket.
func SocketPath(dataDir string) string {
	if path, ok := noted(dataDir); ok {
		return path
	}
	return filepath.Join(dataDir, socketFile)
}
