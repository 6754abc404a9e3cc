// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Walks along a path and makes sure that only root controls its target: each component, and each of a symbolic link on
 * it, is root's, in a directory in which others can put nothing in its place (path_resolution(7)). A process that is
 * not root's trusts the user that it runs as, too.
 *
 * <p>A directory that others can write is good enough on the way when it is sticky, as {@code /tmp} is: what belongs to
 * root in it cannot be renamed or deleted by other users (inode(7), {@code S_ISVTX}).
 */
public final class RootPathCheck {
    private static final int STICKY = 01000;
    private static final int WRITABLE_BY_OTHERS = 022;
    private static final int OPEN_TO_OTHERS = 077;
    private static final String ROOT = "/";

    /** As many links as the kernel follows. */
    private static final int MOST_LINKS = 40;

    private final PathView files;

    /** For paths of a file system. */
    public RootPathCheck(PathView files) {
        this.files = requireNonNull(files, "files is null");
    }

    /**
     * Checks a directory and the way to it.
     *
     * @return where it really is, without symbolic links
     * @throws FileSystemException if a user other than root can change the target of the path, or write into the
     *     directory; the message names the component and the remedy
     */
    public String directory(String path) throws IOException {
        String real = resolve(path);
        PathView.Entry entry = files.entry(real);
        if (!entry.isDirectory()) {
            throw new NotDirectoryException(real);
        }
        if (entry.has(WRITABLE_BY_OTHERS)) {
            throw refused(real, "it is writable by users other than root", "chmod 0700 " + real);
        }
        return real;
    }

    /**
     * Checks a directory that only root may read, and its parent directories.
     *
     * @return where it really is, without symbolic links
     * @throws FileSystemException as {@link #directory} does, and if its mode is wider than 0700
     */
    public String privateDirectory(String path) throws IOException {
        String real = directory(path);
        if (isOpenToOthers(real)) {
            throw refused(real, "its mode is not 0700", "chmod 0700 " + real);
        }
        return real;
    }

    boolean isOpenToOthers(String path) throws IOException {
        return files.entry(path).has(OPEN_TO_OTHERS);
    }

    /** Checks the way to whatever a path leads to, and returns where that really is. */
    String resolve(String path) throws IOException {
        return follow(path, true);
    }

    /** Returns where a path really leads to, whoever controls the way. */
    String find(String path) throws IOException {
        return follow(path, false);
    }

    private String follow(String path, boolean checked) throws IOException {
        if (!path.startsWith(ROOT)) {
            throw new FileSystemException(path, null, "expected an absolute path");
        }
        Deque<String> ahead = new ArrayDeque<>(components(path));
        String here = ROOT;
        if (checked) {
            requireRoots(here, files.entry(here));
        }
        for (int links = 0; !ahead.isEmpty(); ) {
            String name = ahead.remove();
            if (name.equals("..")) {
                here = parent(here);
                continue;
            }
            String next = here.equals(ROOT) ? ROOT + name : here + ROOT + name;
            PathView.Entry entry = files.entry(next);
            if (checked) {
                requireRoots(next, entry);
            }
            if (!entry.isLink()) {
                if (!entry.isDirectory() && !ahead.isEmpty()) {
                    throw new NotDirectoryException(next);
                }
                here = next;
                continue;
            }
            links++;
            if (links > MOST_LINKS) {
                throw new FileSystemException(path, null, "too many symbolic links");
            }
            String target = files.target(next);
            List<String> onward = components(target);
            for (int i = onward.size() - 1; i >= 0; i--) {
                ahead.push(onward.get(i));
            }
            here = target.startsWith(ROOT) ? ROOT : here;
        }
        return here;
    }

    private static List<String> components(String path) {
        List<String> components = new ArrayList<>();
        int start = 0;
        while (start < path.length()) {
            int slash = path.indexOf('/', start);
            int end = slash < 0 ? path.length() : slash;
            String component = path.substring(start, end);
            if (!component.isEmpty() && !component.equals(".")) {
                components.add(component);
            }
            start = end + 1;
        }
        return components;
    }

    private static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? ROOT : path.substring(0, slash);
    }

    private void requireRoots(String component, PathView.Entry entry) throws FileSystemException {
        if (entry.uid() != 0 && entry.uid() != files.user()) {
            throw refused(component, "it is owned by user " + entry.uid() + ", not by root", "chown root " + component);
        }
        if (!entry.isLink() && entry.has(WRITABLE_BY_OTHERS) && !entry.has(STICKY)) {
            throw refused(component, "it is writable by users other than root", "chmod go-w " + component);
        }
    }

    private static FileSystemException refused(String component, String reason, String remedy) {
        return new FileSystemException(component, null, reason + ", so its contents cannot be trusted; " + remedy);
    }
}
