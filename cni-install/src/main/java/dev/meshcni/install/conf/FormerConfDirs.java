// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.conf.Finding;
import dev.meshcni.config.DaemonException;
import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.FileIdentity;
import dev.meshcni.host.linux.HostRoot;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration directories of earlier settings in which our entry was put, and from which it has to go: a runtime
 * that reads one of them starts no pod once the plugin is removed. They are not mounted here, and found through the
 * root of the host.
 *
 * <p>A directory that is the current one by another path, or from which the current one has files by links, is not a
 * former one.
 */
public final class FormerConfDirs {
    private static final Logger LOG = LoggerFactory.getLogger(FormerConfDirs.class);

    private final ConfDirRecord record;
    private final HostRoot host;
    private final Path currentOnHost;
    private final ConfInstaller current;

    /** What is done in a former directory. */
    @FunctionalInterface
    private interface Work {
        Optional<Finding> in(Path onHost, Optional<ConfInstaller> former) throws IOException;
    }

    /**
     * The former directories of a node.
     *
     * @param record where they are recorded
     * @param host where they are found
     * @param current the current directory
     * @param currentOnHost its path on the host
     */
    public FormerConfDirs(ConfDirRecord record, HostRoot host, ConfInstaller current, Path currentOnHost) {
        this.record = requireNonNull(record, "record is null");
        this.host = requireNonNull(host, "host is null");
        this.current = requireNonNull(current, "current is null");
        this.currentOnHost = requireNonNull(currentOnHost, "currentOnHost is null");
    }

    /** Records the current directory, before our entry is put in it. */
    public void note() throws IOException {
        record.add(currentOnHost);
    }

    /** Looks for our entry in the former directories; changes nothing. */
    public List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        damage().ifPresent(reason -> findings.add(Finding.warning(
                record.fileOnHost() + " is damaged, and former configuration directories are unknown: " + reason,
                "check the directories that --mounted-cni-net-dir (Helm: cniConfDir) has named before for "
                        + current.type() + "; the next installation replaces the file")));
        findings.addAll(each(true, this::look));
        return findings;
    }

    /**
     * Takes our entry out of the former directories while it stays in the current one, which is recorded if it is not:
     * an installer that recorded nothing may have put it there.
     *
     * @return what is left, each with the remedy
     */
    public List<Finding> takeOut() {
        List<Finding> left = new ArrayList<>();
        try {
            note();
        } catch (IOException e) {
            left.add(Finding.warning(
                    "cannot record " + currentOnHost + " in " + record.fileOnHost() + ": " + reason(e),
                    "make it a writable file; otherwise the entry stays in " + currentOnHost
                            + " when the setting changes"));
        }
        left.addAll(each(true, this::takeOut));
        return left;
    }

    /** Takes our entry out of the former directories after it was taken out of the current one. */
    public List<Finding> uninstall() {
        damage().ifPresent(reason -> LOG.warn(
                "{} is damaged ({}): former configuration directories are unknown, and not searched for {}",
                record.fileOnHost(),
                reason,
                current.type()));
        return each(false, this::clean);
    }

    /** Forgets all directories, as our entry is in none of them. */
    public void forget() throws IOException {
        record.delete();
    }

    /**
     * Does something in each former directory.
     *
     * @param withLinks whether files that the current directory has by links must stay as they are
     */
    private List<Finding> each(boolean withLinks, Work work) {
        List<Path> others;
        try {
            others = record.content().directories().stream()
                    .filter(directory -> !directory.equals(currentOnHost))
                    .toList();
        } catch (IOException e) {
            return List.of(Finding.warning(
                    "former configuration directories are unknown: cannot read " + record.fileOnHost() + ": "
                            + reason(e),
                    "make it a file that root can read"));
        }
        if (others.isEmpty()) {
            return List.of();
        }
        Set<FileIdentity> kept;
        try {
            kept = ofCurrent(withLinks);
        } catch (IOException | RuntimeException e) {
            return others.stream().map(directory -> unreached(directory, e)).toList();
        }
        return others.stream()
                .flatMap(directory -> attempt(directory, kept, work).stream())
                .toList();
    }

    private Optional<Finding> attempt(Path onHost, Set<FileIdentity> kept, Work work) {
        try {
            Optional<Path> here = find(onHost);
            if (here.isEmpty()) {
                return work.in(onHost, Optional.empty());
            }
            if (kept.contains(identity(here.get()))) {
                return Optional.empty();
            }
            HostLinks links = HostLinks.in(host, onHost, here.get(), kept, current::mentionsUs);
            return work.in(onHost, Optional.of(current.in(here.get(), links)));
        } catch (IOException | RuntimeException e) {
            return Optional.of(unreached(onHost, e));
        }
    }

    private Optional<Finding> look(Path onHost, Optional<ConfInstaller> former) throws IOException {
        if (former.isEmpty()) {
            return Optional.empty();
        }
        List<String> files = former.get().editable();
        return files.isEmpty()
                ? nested(onHost, former.get())
                : Optional.of(Finding.warning(
                        calls(onHost, files),
                        "the daemon takes the entry out once it has installed the plugin in " + currentOnHost
                                + "; if the container runtime reads " + onHost
                                + ", set --mounted-cni-net-dir (Helm: cniConfDir) to it"));
    }

    private Optional<Finding> clean(Path onHost, Optional<ConfInstaller> former) throws IOException {
        if (former.isEmpty()) {
            return Optional.empty();
        }
        former.get().uninstall();
        return nested(onHost, former.get());
    }

    private Optional<Finding> takeOut(Path onHost, Optional<ConfInstaller> former) throws IOException {
        Optional<Finding> left = clean(onHost, former);
        // One that is not there may be there again, with its file system.
        return left.isEmpty() && former.isPresent() ? forget(onHost) : left;
    }

    private Optional<Finding> forget(Path onHost) {
        try {
            record.remove(onHost);
        } catch (IOException e) {
            return Optional.of(Finding.warning(
                    "cannot remove " + onHost + " from " + record.fileOnHost() + ": " + reason(e),
                    "make the file writable; until then that directory is searched again and again"));
        }
        LOG.warn(
                "former configuration directory {} no longer calls {}; if the container runtime still reads it, set"
                        + " --mounted-cni-net-dir (Helm: cniConfDir) back to it",
                onHost,
                current.type());
        return Optional.empty();
    }

    /** Why the record says nothing that can be used. */
    private Optional<String> damage() {
        try {
            return record.content().damage();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Optional<Finding> nested(Path onHost, ConfInstaller former) throws IOException {
        List<String> callers = former.nestedCallers();
        return callers.isEmpty()
                ? Optional.empty()
                : Optional.of(Finding.warning(
                        calls(onHost, callers), "remove the entry there, or the file if no runtime reads it"));
    }

    private String calls(Path onHost, List<String> files) {
        return "the former configuration directory " + onHost + " still calls " + current.type() + ": "
                + String.join(", ", files);
    }

    private Finding unreached(Path onHost, Exception cause) {
        return Finding.warning(
                "the former configuration directory " + onHost + " may still call " + current.type() + ": "
                        + reason(cause),
                "fix this (in a container, reaching it takes the host's /proc at /host/proc and the capability"
                        + " SYS_PTRACE), or take the entry out of its files on the host and delete "
                        + record.fileOnHost());
    }

    /** Where a directory is found; nothing calls anything from one that does not exist. */
    private Optional<Path> find(Path onHost) throws IOException {
        try {
            return Optional.of(host.directory(onHost));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return Optional.empty();
        }
    }

    /**
     * The directories whose files must stay as they are. What is found at the current one's path shows whether the host
     * is seen at all.
     */
    private Set<FileIdentity> ofCurrent(boolean withLinks) throws IOException {
        Path dir = current.dir();
        if (!Files.isDirectory(dir)) {
            return Set.of();
        }
        Path seen = seen(dir);
        Set<FileIdentity> kept = new HashSet<>(Set.of(identity(dir)));
        if (withLinks) {
            kept.addAll(HostLinks.directories(host, currentOnHost, seen));
        }
        return kept;
    }

    /** Where the current directory is found on the host; who controls the way to it does not matter for that. */
    private Path seen(Path dir) throws IOException {
        try {
            Path seen = host.find(currentOnHost);
            if (identity(seen).equals(identity(dir))) {
                return seen;
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            throw notSeen("the host has no such directory (in a container, the host's /proc has to be at /host/proc);"
                    + " --cni-net-dir-on-host has to be the host's path of " + dir);
        }
        throw notSeen("on the host this is another directory than " + dir + " here; --cni-net-dir-on-host has to be the"
                + " host's path of it; if it is, the directory was replaced since this process started: restart it");
    }

    private FileSystemException notSeen(String reason) {
        return new FileSystemException(currentOnHost.toString(), null, reason);
    }

    private static String reason(Exception cause) {
        return switch (cause) {
            case AccessDeniedException denied -> "permission denied for " + place(denied);
            case FileSystemException failure ->
                place(failure) + ": "
                        + Objects.requireNonNullElse(
                                failure.getReason(), failure.getClass().getSimpleName());
            case DaemonException failure -> failure.getMessage();
            default -> cause.toString();
        };
    }

    /** Without a name that is another one each time, or nobody could tell that the failure is the same. */
    private static String place(FileSystemException failure) {
        Path file = Path.of(Objects.requireNonNullElse(failure.getFile(), ""));
        return String.valueOf(AtomicFiles.isTemporary(file) ? file.getParent() : file);
    }

    private static FileIdentity identity(Path directory) throws IOException {
        return FileIdentity.of(directory.resolve(".")).orElseThrow(() -> new NoSuchFileException(directory.toString()));
    }
}
