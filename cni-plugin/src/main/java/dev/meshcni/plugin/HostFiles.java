// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

import dev.meshcni.host.linux.PathView;
import java.io.IOException;

/** The host's files, as who decides on them is told. */
final class HostFiles implements PathView {
    private static final int LONGEST_TARGET = 4096;

    private final Host host;

    HostFiles(Host host) {
        this.host = host;
    }

    @Override
    public Entry entry(String path) throws IOException {
        int[] userAndMode = new int[2];
        Errno.check(host.status(CString.of(path), userAndMode), path);
        return new Entry(userAndMode[0], userAndMode[1]);
    }

    @Override
    public String target(String link) throws IOException {
        byte[] target = new byte[LONGEST_TARGET];
        int length = Errno.check(host.readLink(CString.of(link), target), link);
        return Utf8.text(target, 0, length);
    }

    @Override
    public int user() {
        return host.user();
    }
}
