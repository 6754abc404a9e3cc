// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import static java.util.Objects.requireNonNull;

import dev.meshcni.files.AtomicFiles;
import dev.meshcni.files.FileSteps;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plugin in the node's directory of CNI plugins.
 *
 * <pre>
 * istio-cni -> .mesh-cni/0.1.0-3f9c0a7d51e2/bin/istio-cni
 * .mesh-cni/0.1.0-3f9c0a7d51e2/bin/istio-cni
 * </pre>
 *
 * <p>Each version lies in a directory of its own and never changes; one rename of the link switches to it, and one that
 * is damaged is replaced by another copy beside it. So a plugin that runs keeps all its files, and a runtime always
 * finds a whole plugin. The link is relative, as the host may see the directory at another path than we do.
 */
public final class PluginTree {
    /** The directory of the versions; nothing that lists plugins shows it. */
    static final String VERSIONS = ".mesh-cni";

    /** The directory of a JVM run-time image, which versions had before the plugin was a single file. */
    private static final String RUNTIME_OF_EARLIER_VERSIONS = "runtime";

    /** The name by which runtimes find the plugin. */
    public static final String LINK = "istio-cni";

    private static final Logger LOG = LoggerFactory.getLogger(PluginTree.class);

    /** The names of versions: release, the manifest's short name, and a number if there is more than one copy. */
    private static final Pattern VERSION_NAME = Pattern.compile(".+-\\p{XDigit}{12}(?:\\.\\d+)?");

    /** The time until a version that failed on the host is tried again. */
    private static final Duration TRIAL_PAUSE = Duration.ofSeconds(30);

    private static final Duration UNINSTALL_POLL = Duration.ofMillis(50);

    private final Path source;
    private final Path binDir;
    private final String release;
    private final FileSteps steps;
    private final AtomicFiles files;
    private final RunningPlugins running;
    private final PluginTrial trial;
    private final LongSupplier nanoTime;
    private final Set<String> verified = new HashSet<>();
    private final Map<String, Long> idleSince = new HashMap<>();
    private Optional<PluginManifest> wanted = Optional.empty();
    private Optional<Unusable> unusable = Optional.empty();

    /** The result of a test run of the source, and its time. */
    private record Unusable(String reason, long nanos) {}

    /**
     * A tree that is installed from another.
     *
     * @param source where {@code bin/istio-cni} is
     * @param binDir the node's directory of plugins, as we see it
     * @param release what the names of this release's versions begin with
     * @param trial tells whether the host runs what was copied
     * @param nanoTime a monotonic clock, such as {@link System#nanoTime}
     */
    PluginTree(
            Path source,
            Path binDir,
            String release,
            FileSteps steps,
            RunningPlugins running,
            PluginTrial trial,
            LongSupplier nanoTime) {
        this.source = requireNonNull(source, "source is null");
        this.binDir = requireNonNull(binDir, "binDir is null");
        this.release = requireNonNull(release, "release is null");
        this.steps = requireNonNull(steps, "steps is null");
        this.files = new AtomicFiles(steps);
        this.running = requireNonNull(running, "running is null");
        this.trial = requireNonNull(trial, "trial is null");
        this.nanoTime = requireNonNull(nanoTime, "nanoTime is null");
    }

    /** The directory of the versions. */
    Path versionsDirectory() {
        return binDir.resolve(VERSIONS);
    }

    /**
     * Makes sure that the link leads to a whole copy of the source. The first time every byte is compared, later the
     * sizes and times.
     *
     * @return whether anything had to be done
     * @throws UnusablePluginException if the host does not run it; the link, and the versions, are as they were
     */
    boolean ensure() throws IOException {
        Files.createDirectories(binDir);
        requireDirectory();
        files.sweep(binDir);
        files.sweep(versionsDirectory());
        if (currentIsWhole()) {
            return false;
        }
        requireNotJustTried();
        Set<String> before = Set.copyOf(versions());
        String version = wholeVersion();
        requireWorking(version, before);
        files.replaceLink(binDir.resolve(LINK), Path.of(VERSIONS, version, PluginManifest.PROGRAM));
        LOG.info("plugin in {} is version {}", binDir, version);
        return true;
    }

    /** Returns whether there is nothing for {@link #ensure} to do; changes nothing. */
    public boolean currentIsWhole() throws IOException {
        Optional<String> current = current();
        return current.isPresent() && isOfSource(current.get()) && isWhole(current.get());
    }

    /** The version that the link leads to, if it is one of ours. */
    public Optional<String> current() throws IOException {
        Path link = binDir.resolve(LINK);
        if (!Files.isSymbolicLink(link)) {
            return Optional.empty();
        }
        Path target = Files.readSymbolicLink(link);
        boolean ours = target.startsWith(VERSIONS) && target.getNameCount() == 4;
        return ours ? Optional.of(target.getName(1).toString()) : Optional.empty();
    }

    /** The version that this source is installed as. */
    public String version() throws IOException {
        return release + "-" + wanted().id();
    }

    /** Removes the versions that the link does not lead to and no process runs from. */
    void removeUnused() throws IOException {
        requireDirectory();
        Set<String> others = new HashSet<>(versions());
        current().ifPresent(others::remove);
        idleSince.keySet().retainAll(others);
        if (others.isEmpty()) {
            return;
        }
        Set<String> used = running.versions();
        long now = nanoTime.getAsLong();
        for (String version : others) {
            if (used.contains(version)) {
                idleSince.remove(version);
            } else if (now - idleSince.computeIfAbsent(version, _ -> now)
                    >= running.settle().toNanos()) {
                files.deleteTree(versionsDirectory().resolve(version));
                verified.remove(version);
                LOG.info("removed unused plugin version {}", version);
            }
        }
    }

    /**
     * Removes the link and the versions; a tree of an earlier release as soon as no process runs from it.
     *
     * @param patience how long to wait for the processes; the trees that they still run from then are left
     */
    void uninstall(Duration patience) throws IOException, InterruptedException {
        Path link = binDir.resolve(LINK);
        if (current().isPresent()) {
            files.delete(link);
        } else if (Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
            LOG.warn("keeping {}: not installed by mesh-cni", link);
        }
        if (Files.isDirectory(binDir)) {
            files.sweep(binDir);
        }
        removeVersions(patience);
    }

    private void removeVersions(Duration patience) throws IOException, InterruptedException {
        if (!Files.exists(versionsDirectory(), LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(versionsDirectory(), LinkOption.NOFOLLOW_LINKS)) {
            LOG.warn("keeping {}: not installed by mesh-cni", versionsDirectory());
            return;
        }
        files.sweep(versionsDirectory());
        removeSingleFiles();
        Duration wait = running.settle().compareTo(patience) > 0 ? Duration.ZERO : patience;
        long start = nanoTime.getAsLong();
        removeUnused();
        while (!versions().isEmpty() && nanoTime.getAsLong() - start < wait.toNanos()) {
            Thread.sleep(UNINSTALL_POLL);
            removeUnused();
        }
        if (!versions().isEmpty()) {
            LOG.warn("keeping {}: a plugin is, or could be, running from it; remove it later", versionsDirectory());
            return;
        }
        if (!deleteIfEmpty()) {
            LOG.warn("keeping {}: it contains files not installed by mesh-cni", versionsDirectory());
        }
    }

    /**
     * Removes the versions that consist of the program alone. With the link gone nothing starts from them, and a
     * process keeps the one file that it runs from (unlink(2)): a plugin that is just running, as on a busy node one
     * always is, leaves nothing behind.
     */
    private void removeSingleFiles() throws IOException {
        for (String version : versions()) {
            Path tree = versionsDirectory().resolve(version);
            if (!Files.isDirectory(tree.resolve(RUNTIME_OF_EARLIER_VERSIONS), LinkOption.NOFOLLOW_LINKS)) {
                files.deleteTree(tree);
                verified.remove(version);
            }
        }
    }

    private boolean deleteIfEmpty() throws IOException {
        try {
            files.delete(versionsDirectory());
            return true;
        } catch (DirectoryNotEmptyException e) {
            return false;
        }
    }

    /** The target of a link at this path is not ours to fill or clear. */
    private void requireDirectory() throws IOException {
        Path directory = versionsDirectory();
        if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)
                && !Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileSystemException(directory.toString(), null, "not a directory; remove it");
        }
    }

    /** Copying the same again and again only to find the same out would wear the disk. */
    private void requireNotJustTried() throws UnusablePluginException {
        if (unusable.isPresent() && nanoTime.getAsLong() - unusable.get().nanos() < TRIAL_PAUSE.toNanos()) {
            throw new UnusablePluginException(unusable.get().reason());
        }
    }

    private void requireWorking(String version, Set<String> before) throws IOException {
        if (!(trial.now(Path.of(VERSIONS, version, PluginManifest.PROGRAM))
                instanceof PluginTrial.Verdict.Broken broken)) {
            unusable = Optional.empty();
            return;
        }
        unusable = Optional.of(new Unusable(broken.reason(), nanoTime.getAsLong()));
        if (!before.contains(version)) {
            verified.remove(version);
            files.deleteTree(versionsDirectory().resolve(version));
        }
        deleteIfEmpty();
        throw new UnusablePluginException(broken.reason());
    }

    private String wholeVersion() throws IOException {
        for (String version : versions()) {
            if (isOfSource(version) && isWhole(version)) {
                return version;
            }
        }
        return copy();
    }

    private String copy() throws IOException {
        Path versions = versionsDirectory();
        if (!Files.isDirectory(versions)) {
            steps.makeDirectory(versions);
        }
        requireRoom();
        Path fresh = files.fresh(versions);
        try {
            fill(fresh);
        } catch (IOException e) {
            files.sweep(versions);
            throw e;
        }
        String version = freeName();
        steps.rename(fresh, versions.resolve(version));
        steps.sync(versions);
        verified.add(version);
        return version;
    }

    private void fill(Path fresh) throws IOException {
        steps.makeDirectory(fresh);
        Set<Path> directories = new HashSet<>(Set.of(fresh));
        for (Path file : PluginManifest.filesOf(source)) {
            Path copy = fresh.resolve(source.relativize(file).toString());
            makeDirectories(copy.getParent(), directories);
            steps.copy(file, copy);
        }
        for (Path directory : directories) {
            steps.sync(directory);
        }
        if (!wanted().matches(fresh)) {
            throw new IOException("the copy in " + fresh + " does not match its source: " + source
                    + " changed while it was copied, or the disk is faulty");
        }
    }

    private void makeDirectories(Path directory, Set<Path> made) throws IOException {
        if (!made.contains(directory)) {
            makeDirectories(directory.getParent(), made);
            steps.makeDirectory(directory);
            made.add(directory);
        }
    }

    private void requireRoom() throws IOException {
        FileStore store = Files.getFileStore(binDir);
        long free = store.getUsableSpace();
        // A file system without a size, such as ramfs, has no number for what is free either.
        if (store.getTotalSpace() > 0 && free < wanted().size()) {
            throw new FileSystemException(
                    binDir.toString(),
                    null,
                    InstallErrors.NO_SPACE + ": " + free / 1_000 + " kB free, " + wanted().size() / 1_000
                            + " kB required");
        }
    }

    private String freeName() throws IOException {
        String version = version();
        String name = version;
        for (int number = 1; Files.exists(versionsDirectory().resolve(name)); number++) {
            name = version + "." + number;
        }
        return name;
    }

    private boolean isOfSource(String name) throws IOException {
        String version = version();
        return name.equals(version) || name.startsWith(version + ".");
    }

    private boolean isWhole(String version) throws IOException {
        Path tree = versionsDirectory().resolve(version);
        if (verified.contains(version)) {
            return wanted().resembles(tree);
        }
        if (!wanted().matches(tree)) {
            return false;
        }
        verified.add(version);
        return true;
    }

    private List<String> versions() throws IOException {
        if (!Files.isDirectory(versionsDirectory())) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(versionsDirectory())) {
            return entries.filter(PluginTree::isOurs)
                    .map(entry -> entry.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }

    /**
     * Returns whether it is a version of ours, whole or damaged: it has our name, and holds what our manifests name.
     */
    private static boolean isOurs(Path entry) {
        return VERSION_NAME.matcher(entry.getFileName().toString()).matches()
                && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)
                && (Files.exists(entry.resolve(PluginManifest.PROGRAM), LinkOption.NOFOLLOW_LINKS)
                        || Files.isDirectory(entry.resolve(RUNTIME_OF_EARLIER_VERSIONS), LinkOption.NOFOLLOW_LINKS));
    }

    private PluginManifest wanted() throws IOException {
        if (wanted.isEmpty()) {
            if (!Files.isDirectory(source)) {
                throw new NotDirectoryException(source.toString());
            }
            wanted = Optional.of(PluginManifest.read(source));
        }
        return wanted.get();
    }
}
