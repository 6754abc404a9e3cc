// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.conf.OwnedConf;
import dev.meshcni.core.PrevResultCheck;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/**
 * The copies of the base CNI's file that are ours to change and to remove: those that say so, and what is left of one
 * under the name that is set.
 */
record OwnedCopies(InstallSettings settings) {
    /** The edits that remove the copies in a directory. */
    List<FileEdit> deletions(ConfDirSnapshot dir) {
        return dir.valid().stream()
                .filter(file -> OwnedConf.source(file, settings).isPresent() || isUnmarkedCopy(dir, file))
                .<FileEdit>map(file -> new FileEdit.Delete(file.name()))
                .toList();
    }

    /** A network whose owner has removed its file is none that pods may get from our copy. */
    InstallPlan withdrawal(ConfDirSnapshot dir, ConfDirSnapshot others, InstallPlan.Wait wait) {
        List<FileEdit> orphans = dir.valid().stream()
                .filter(file -> OwnedConf.source(file, settings)
                        .filter(source -> others.file(source).isEmpty())
                        .isPresent())
                .<FileEdit>map(file -> new FileEdit.Delete(file.name()))
                .toList();
        return orphans.isEmpty() ? wait : new InstallPlan.Edits(orphans);
    }

    /** Returns whether a file that cannot be parsed is what is left of a copy. */
    boolean isBroken(ConfFile file, Path path, String text) {
        try {
            return file instanceof ConfFile.Invalid
                    && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                    && Files.size(path) <= ConfDir.MAX_FILE_SIZE
                    && isPartOf(text, Files.readString(path, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            return false;
        }
    }

    /** The beginning of a copy, which has the base CNI's plugins, or anything with our entry. */
    private boolean isPartOf(String text, String content) {
        String beginning = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        return beginning.startsWith(content) || content.contains('"' + settings.type() + '"');
    }

    /**
     * Returns whether the file of our name is a copy of another one, although our entry does not say so: that of
     * Istio's own istio-cni, or ours without its entry.
     */
    private boolean isUnmarkedCopy(ConfDirSnapshot dir, ConfFile.Valid file) {
        return file.name().equals(settings.ownedName())
                && dir.valid().stream()
                        .filter(other -> OwnedConf.sortsBefore(file.name(), other.name()))
                        .anyMatch(other ->
                                file.list().name().equals(other.list().name())
                                        || (isIstios(file)
                                                && OwnedConf.foreignTypes(file.list(), settings)
                                                        .equals(OwnedConf.foreignTypes(other.list(), settings))));
    }

    private boolean isIstios(ConfFile.Valid file) {
        return file.list().plugins().stream()
                .anyMatch(plugin ->
                        plugin.type().equals(settings.type()) && !plugin.json().has(PrevResultCheck.ADAPTER));
    }
}
