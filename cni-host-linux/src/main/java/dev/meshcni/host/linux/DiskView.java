// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.host.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;

/**
 * The file systems of this machine, below a directory that is the root of all paths.
 *
 * @param root that directory
 */
record DiskView(Path root) implements PathView {
    @Override
    public Entry entry(String path) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(at(path), "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
        return new Entry((int) attributes.get("uid"), (int) attributes.get("mode"));
    }

    @Override
    public String target(String link) throws IOException {
        return Files.readSymbolicLink(at(link)).toString();
    }

    // The kernel gives a process's directory in /proc to the user that it runs as (proc(5)).
    @Override
    public int user() {
        try {
            return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            return 0;
        }
    }

    /** The path by which this process finds a path below the root. The root itself may be a link, and is entered. */
    Path at(String path) {
        String relative = path.substring(1);
        return root.resolve(relative.isEmpty() ? "." : relative);
    }
}
