package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/**
 * A path on which nobody but root decides: each component, and each of a symbolic link on it, is root's, in a directory in which others
 * can put nothing in its place (path_resolution(7)). What is found there is what root put there. A process that is not root's trusts the
 * user that it runs as, too.
 *
 * <p>A directory that others can write is good enough on the way when it is sticky, as {@code /tmp} is: what belongs to root in it cannot
 * be renamed or deleted by anybody else (inode(7), {@code S_ISVTX}).
 */
public final class RootPath {
    private static final int TYPE = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int LINK = 0120000;
    private static final int STICKY = 01000;
    private static final int WRITABLE_BY_OTHERS = 022;
    private static final int OPEN_TO_OTHERS = 077;

    /** As many links as the kernel follows. */
    private static final int MOST_LINKS = 40;

    private RootPath() {}

    private record Entry(int uid, int mode) {
        boolean is(int type) {
            return (mode & TYPE) == type;
        }

        boolean has(int bits) {
            return (mode & bits) != 0;
        }
    }

    /**
     * Checks a directory and the way to it.
     *
     * @return where it really is, without symbolic links
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException if somebody other than root can change where the path leads, or write into the directory; the message
     *     names the component and the remedy
     */
    public static Path directory(Path path) throws IOException {
        Path real = resolve(path);
        Entry entry = entry(real);
        if (!entry.is(DIRECTORY)) {
            throw new NotDirectoryException(real.toString());
        }
        if (entry.has(WRITABLE_BY_OTHERS)) {
            throw refused(real, "others than root can write into it", "chmod 0700 " + real);
        }
        return real;
    }

    /**
     * Checks a directory that nobody but root may even look into, and the way to it.
     *
     * @return where it really is, without symbolic links
     * @throws NoSuchFileException if it is not there
     * @throws FileSystemException as {@link #directory} does, and if its mode is wider than 0700
     */
    public static Path privateDirectory(Path path) throws IOException {
        Path real = directory(path);
        if (entry(real).has(OPEN_TO_OTHERS)) {
            throw refused(real, "its mode is not 0700", "chmod 0700 " + real);
        }
        return real;
    }

    /**
     * Makes a directory that nobody but root may even look into, with those above it that are missing; one that is there and is merely
     * open to readers, as the kubelet makes it, is closed to them.
     *
     * @return where it really is, without symbolic links
     * @throws FileSystemException as {@link #directory} does, before anything is made or changed there
     */
    public static Path makePrivateDirectory(Path path) throws IOException {
        Path real = make(path.toAbsolutePath(), "rwx------");
        if (entry(real).has(OPEN_TO_OTHERS)) {
            Files.setPosixFilePermissions(real, PosixFilePermissions.fromString("rwx------"));
        }
        return real;
    }

    private static Path make(Path path, String mode) throws IOException {
        try {
            return directory(path);
        } catch (NoSuchFileException e) {
            Path name = path.getFileName();
            if (name == null) {
                throw e;
            }
            Path missing = way(path.getParent()).resolve(name);
            try {
                Files.createDirectory(
                        missing, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
            } catch (FileAlreadyExistsException made) {
                // Another process has made it at the same moment; or it is a link to nowhere, which the next line
                // refuses.
                return directory(path);
            }
            return directory(missing);
        }
    }

    /** Makes what is missing of the way to a directory; what is there of it may be sticky, as below {@code /tmp}. */
    private static Path way(Path path) throws IOException {
        try {
            return resolve(path);
        } catch (NoSuchFileException e) {
            return make(path, "rwxr-xr-x");
        }
    }

    private static Path resolve(Path path) throws IOException {
        requireNonNull(path, "path is null");
        Path absolute = path.toAbsolutePath();
        Deque<Path> ahead = new ArrayDeque<>();
        absolute.forEach(ahead::add);
        Path here = absolute.getRoot();
        requireRoots(here, entry(here));
        for (int links = 0; !ahead.isEmpty(); ) {
            Path name = ahead.remove();
            if (name.toString().equals("..")) {
                here = here.getParent() == null ? here : here.getParent();
                continue;
            }
            Path next = here.resolve(name).normalize();
            Entry entry = entry(next);
            requireRoots(next, entry);
            if (!entry.is(LINK)) {
                here = next;
                continue;
            }
            links++;
            if (links > MOST_LINKS) {
                throw new FileSystemLoopException(path.toString());
            }
            Path target = Files.readSymbolicLink(next);
            push(target, ahead);
            here = target.isAbsolute() ? target.getRoot() : here;
        }
        return here;
    }

    private static void push(Path target, Deque<Path> ahead) {
        for (int index = target.getNameCount() - 1; index >= 0; index--) {
            ahead.push(target.getName(index));
        }
    }

    private static void requireRoots(Path component, Entry entry) throws FileSystemException {
        if (entry.uid() != 0 && entry.uid() != ownUser()) {
            throw refused(
                    component, "it belongs to user " + entry.uid() + " and not to root", "chown root " + component);
        }
        if (!entry.is(LINK) && entry.has(WRITABLE_BY_OTHERS) && !entry.has(STICKY)) {
            throw refused(component, "others than root can write into it", "chmod go-w " + component);
        }
    }

    /** The kernel gives a process's directory in {@code /proc} to the user that it runs as (proc(5)). */
    private static int ownUser() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            return 0;
        }
    }

    private static FileSystemException refused(Path component, String reason, String remedy) {
        return new FileSystemException(
                component.toString(), null, reason + ", so what is found there need not be root's; " + remedy);
    }

    private static Entry entry(Path path) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
        return new Entry((int) attributes.get("uid"), (int) attributes.get("mode"));
    }
}
