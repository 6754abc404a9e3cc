// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static java.util.Objects.requireNonNull;

import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.chain.ChainAdapters.Choice;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDir;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.conf.NestedEntries;
import dev.meshcni.files.FileMetadata;
import dev.meshcni.files.SharedFiles;
import dev.meshcni.files.StaleFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Our plugin in the node's CNI configuration: looks, lets the chain adapter decide, and carries out what it decided.
 */
public final class ConfInstaller {
    /** The number of retries if another process writes at the same time. */
    private static final int ATTEMPTS = 20;

    /** Longer with each attempt, so that a writer comes to its end. */
    private static final Duration PAUSE = Duration.ofMillis(1);

    private final Path dir;
    private final InstallSettings settings;
    private final ChainAdapters adapters;
    private final SharedFiles files;
    private final FileMetadata ownMetadata;
    private final ConfLinks links;
    private final ConfEdits edits;
    private final ConfPlanner planner;

    /** The text of our copy of the base CNI's file, as this process has seen it in its place. */
    private Optional<String> copy = Optional.empty();

    /**
     * The state of the directory, and the plan for it.
     *
     * @param dir the directory
     * @param choice the adapter that answers for it, if one does
     * @param plan what has to happen for our plugin to be installed
     */
    public record Assessment(ConfDirSnapshot dir, Optional<Choice> choice, InstallPlan plan) {
        /** The required edits, if they are known. */
        public List<FileEdit> edits() {
            return plan instanceof InstallPlan.Edits needed ? needed.edits() : List.of();
        }

        /** Whether a file is only to be removed, which its owner may be about to write anew. */
        public boolean removesOnly() {
            return !edits().isEmpty() && edits().stream().allMatch(FileEdit.Delete.class::isInstance);
        }
    }

    /**
     * Our plugin in a directory.
     *
     * @param ownMetadata mode and owner of a file that is like no other
     */
    public ConfInstaller(
            Path dir, InstallSettings settings, ChainAdapters adapters, SharedFiles files, FileMetadata ownMetadata) {
        this(dir, settings, adapters, files, ownMetadata, Path::toRealPath);
    }

    private ConfInstaller(
            Path dir,
            InstallSettings settings,
            ChainAdapters adapters,
            SharedFiles files,
            FileMetadata ownMetadata,
            ConfLinks links) {
        this.dir = requireNonNull(dir, "dir is null");
        this.settings = requireNonNull(settings, "settings is null");
        this.adapters = requireNonNull(adapters, "adapters is null");
        this.files = requireNonNull(files, "files is null");
        this.ownMetadata = requireNonNull(ownMetadata, "ownMetadata is null");
        this.links = requireNonNull(links, "links is null");
        this.edits = new ConfEdits(files, links, ownMetadata, settings.ownedName());
        this.planner = new ConfPlanner(settings, adapters);
    }

    /** The same plugin in another directory. */
    ConfInstaller in(Path other, ConfLinks itsLinks) {
        return new ConfInstaller(other, settings, adapters, files, ownMetadata, itsLinks);
    }

    /** The directory. */
    Path dir() {
        return dir;
    }

    /** The type of our plugin. */
    String type() {
        return settings.type();
    }

    /** Looks; changes nothing. */
    public Assessment assess() throws IOException {
        return planner.assess(snapshot());
    }

    /** What each adapter says about a directory, in the order of their names. */
    public List<Choice> detections(ConfDirSnapshot snapshot) {
        return adapters.all().stream()
                .map(adapter -> new Choice(adapter, adapter.detect(snapshot, settings)))
                .toList();
    }

    /** The findings of a directory's adapter. */
    public List<Finding> findings(Assessment assessment) {
        return planner.findings(assessment);
    }

    /** Carries out what an adapter decided; if the directory has changed meanwhile it is asked again. */
    public Assessment carryOut(Assessment first) throws IOException {
        Assessment assessment = first;
        for (int attempt = 1; !assessment.edits().isEmpty(); attempt++) {
            try {
                edits.apply(assessment.dir(), assessment.edits());
            } catch (StaleFileException e) {
                pauseAfter(attempt, e);
            }
            assessment = assess();
            if (attempt == ATTEMPTS && !assessment.edits().isEmpty()) {
                throw new IOException("changes written to " + dir + " were reverted: "
                        + assessment.edits().size() + " edits are required again");
            }
        }
        copy = copyIn(assessment.dir());
        return assessment;
    }

    /** Returns whether our copy is as it was left, so that it is the base CNI's file that has changed. */
    public boolean isFollowing(Assessment assessment) {
        boolean copyOnly =
                assessment.edits().stream().allMatch(edit -> edit.name().equals(settings.ownedName()));
        return copyOnly && copy.isPresent() && copy.equals(copyIn(assessment.dir()));
    }

    private Optional<String> copyIn(ConfDirSnapshot snapshot) {
        return snapshot.file(settings.ownedName()).flatMap(ConfFile::network).map(NetworkConfigList::text);
    }

    /** The directories that hold the files: this one, and those that symbolic links in it lead to. */
    public Set<Path> directories() throws IOException {
        Set<Path> directories = new LinkedHashSet<>();
        directories.add(dir);
        if (Files.isDirectory(dir)) {
            try (DirectoryStream<Path> found = Files.newDirectoryStream(dir, this::isLink)) {
                found.forEach(link -> target(link).map(Path::getParent).ifPresent(directories::add));
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        }
        return directories;
    }

    /** Removes what a killed process left; nothing reads it, but nothing else would ever remove it. */
    public void sweep() throws IOException {
        if (Files.isDirectory(dir)) {
            for (Path directory : directories()) {
                files.sweep(directory);
            }
        }
    }

    /** Takes our plugin out of every file. */
    public void uninstall() throws IOException {
        sweep();
        for (int attempt = 1; ; attempt++) {
            ConfDirSnapshot snapshot = snapshot();
            List<FileEdit> removal = planner.removal(snapshot);
            if (removal.isEmpty()) {
                return;
            }
            try {
                edits.apply(snapshot, removal);
            } catch (StaleFileException e) {
                pauseAfter(attempt, e);
            }
        }
    }

    private static void pauseAfter(int attempt, StaleFileException stale) throws StaleFileException {
        if (attempt == ATTEMPTS) {
            throw stale;
        }
        LockSupport.parkNanos(PAUSE.multipliedBy(attempt).toNanos());
    }

    /**
     * Places from which our plugin is called and that are not ours to edit: inside the configuration of another plugin,
     * and in the directories from which libcni 1.3 and newer take further plugins of a list.
     */
    public List<String> nestedCallers() throws IOException {
        ConfDirSnapshot snapshot = snapshot();
        Stream<String> nested = snapshot.valid().stream()
                .flatMap(file -> NestedEntries.places(file.list(), settings).stream()
                        .map(place -> file.name() + " (" + place + ", inside "
                                + String.join(", ", NestedEntries.holders(file.list(), settings)) + ")"));
        Stream<String> beside = snapshot.pluginFiles().values().stream()
                .filter(file -> ChainedConf.calls(file, settings))
                .map(ConfFile::name);
        Stream<String> unparsed = snapshot.invalid().stream()
                .map(ConfFile.Invalid::name)
                .filter(name -> mentionsUs(snapshot.dir().resolve(name)))
                .map(name -> name + " (which cannot be parsed here)");
        return Stream.of(nested, beside, unparsed).flatMap(calls -> calls).toList();
    }

    /** The names of the files from which our plugin can be taken out. */
    List<String> editable() throws IOException {
        ConfDirSnapshot snapshot = snapshot();
        return planner.removal(snapshot).stream()
                .map(FileEdit::name)
                .filter(name -> snapshot.file(name).isPresent())
                .distinct()
                .toList();
    }

    /** Whether a runtime that reads the file after all would call our plugin. */
    boolean mentionsUs(Path file) {
        try {
            return Files.isRegularFile(file)
                    && Files.size(file) <= ConfDir.MAX_FILE_SIZE
                    && Files.readString(file, StandardCharsets.ISO_8859_1).contains('"' + settings.type() + '"');
        } catch (IOException e) {
            return false;
        }
    }

    private boolean isLink(Path entry) {
        return Files.isSymbolicLink(entry) && links.count(entry.getFileName().toString());
    }

    /**
     * A file that a link leads to; a directory holds no configuration. A file that is being replaced may be missing for
     * a moment: where it will be is where it has to be watched for.
     */
    private Optional<Path> target(Path link) {
        try {
            return Optional.of(links.target(link)).filter(Files::isRegularFile);
        } catch (NoSuchFileException e) {
            return missingTarget(link);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Path> missingTarget(Path link) {
        try {
            Path target = link.resolveSibling(Files.readSymbolicLink(link));
            return Optional.of(target).filter(file -> file.getParent() != null && Files.isDirectory(file.getParent()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private ConfDirSnapshot snapshot() throws IOException {
        try {
            ConfDirSnapshot all = ConfDir.read(dir);
            return all.after(all.files().stream()
                    .map(ConfFile::name)
                    .filter(name -> !links.count(name))
                    .<FileEdit>map(FileEdit.Delete::new)
                    .toList());
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
