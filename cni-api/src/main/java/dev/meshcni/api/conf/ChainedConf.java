// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import dev.meshcni.api.ChainText;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.Quote;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Our plugin as the last one of the base CNI's list: what most chain adapters want.
 *
 * <p>A list is edited as text, so all that is not ours stays as it was. A single plugin's configuration ({@code .conf},
 * {@code .json}) becomes a {@code .conflist}, and uninstalling makes it what it was.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class ChainedConf {
    /** The reference plugin that runtimes call by themselves; a file of its own is left from older instructions. */
    private static final String LOOPBACK = "loopback";

    private ChainedConf() {}

    /**
     * The base CNI's configuration: the file that the settings name, else the first that holds a plugin which is not
     * ours. A named {@code .conf} also means the {@code .conflist} of that name, and the other way round.
     */
    public static Optional<ConfFile.Valid> base(ConfDirSnapshot dir, InstallSettings settings) {
        if (settings.confName().isEmpty()) {
            return dir.valid().stream()
                    .filter(file -> hasForeignPlugin(file.list(), settings))
                    .findFirst();
        }
        return named(dir, settings)
                .flatMap(file -> valid(Optional.of(file)))
                .map(file -> LiftedConf.originalName(file.list())
                        .flatMap(original -> valid(dir.file(original)))
                        .orElse(file))
                .filter(file -> hasForeignPlugin(file.list(), settings));
    }

    /** The type of the base CNI's first plugin, which is what a directory is recognised by. */
    public static Optional<String> baseType(ConfDirSnapshot dir, InstallSettings settings) {
        return base(dir, settings)
                .flatMap(file -> file.list().plugins().stream()
                        .map(NetworkConfigList.Plugin::type)
                        .filter(type -> !type.equals(settings.type()))
                        .findFirst());
    }

    /** Why an adapter that looks for a first plugin of another type declines a directory. */
    public static Detection otherThan(String type, ConfDirSnapshot dir, InstallSettings settings) {
        return Detection.none(
                settings.chained()
                        ? baseType(dir, settings)
                                .map(first -> "the first plugin is " + Quote.of(first) + ", not " + Quote.of(type))
                                .orElse("there is no base CNI yet")
                        : "the plugin is not chained");
    }

    /**
     * The file that a network delegates to: Multus as a daemon (thick) names the file of the default network in
     * {@code clusterNetwork}, and reads it for each pod. Empty for other networks, and for a default network that is no
     * file.
     */
    public static Optional<String> delegate(NetworkConfigList list) {
        return list.plugins().stream()
                .map(plugin -> plugin.json().path("clusterNetwork").asText(""))
                .filter(path -> path.startsWith("/"))
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .findFirst();
    }

    /**
     * The edits that make our plugin the last one of the base CNI's list, and take it out of all other files. A copy
     * within that list would have it run twice, and goes as well.
     */
    public static InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
        Optional<ConfFile.Valid> base = base(dir, settings);
        if (base.isEmpty()) {
            return withoutBase(dir, settings);
        }
        ConfFile.Valid file = base.get();
        Optional<String> target = file.list().single() ? liftedName(dir, file) : Optional.of(file.name());
        if (target.isEmpty()) {
            return new InstallPlan.Refuse(
                    file.name(), "it has to become a .conflist, and the file names for that are in use");
        }
        List<FileEdit> chained = file.list().single()
                ? List.of(
                        new FileEdit.Write(target.get(), LiftedConf.lift(file, settings.entry()), file.name()),
                        new FileEdit.Delete(file.name()))
                : append(file, settings);
        List<FileEdit> edits = new ArrayList<>(withoutCopies(file, chained, settings));
        dir.valid().stream()
                .filter(other ->
                        !other.name().equals(file.name()) && !other.name().equals(target.get()))
                .forEach(other -> edits.addAll(removeFrom(dir, other, settings)));
        return new InstallPlan.Edits(edits);
    }

    /**
     * The edits that take our plugin out of every file, and make lists again what they were made from. That goes for
     * copies within the configuration of other plugins, too.
     */
    public static List<FileEdit> uninstall(ConfDirSnapshot dir, InstallSettings settings) {
        return dir.valid().stream()
                .flatMap(file -> withoutCopies(file, removeFrom(dir, file, settings), settings).stream())
                .toList();
    }

    private static List<FileEdit> withoutCopies(ConfFile.Valid file, List<FileEdit> edits, InstallSettings settings) {
        if (edits.isEmpty()) {
            String text = ChainText.withoutNested(file.list().text(), settings.type());
            return text.equals(file.list().text())
                    ? List.of()
                    : List.of(new FileEdit.Write(file.name(), text, file.name()));
        }
        List<FileEdit> without = new ArrayList<>();
        for (FileEdit edit : edits) {
            without.add(
                    switch (edit) {
                        case FileEdit.Write write ->
                            new FileEdit.Write(
                                    write.name(),
                                    ChainText.withoutNested(write.content(), settings.type()),
                                    write.like());
                        case FileEdit.Delete delete -> delete;
                    });
        }
        return without;
    }

    /** Returns whether a network has a plugin that is not ours and connects pods to something. */
    static boolean hasForeignPlugin(NetworkConfigList list, InstallSettings settings) {
        return list.plugins().stream()
                .map(NetworkConfigList.Plugin::type)
                .anyMatch(type -> !type.equals(settings.type()) && !type.equals(LOOPBACK));
    }

    /** Returns whether our plugin is called from a file, as one of its plugins or by another one. */
    public static boolean calls(ConfFile file, InstallSettings settings) {
        return file.network()
                .filter(list -> !ownPositions(list, settings).isEmpty()
                        || !NestedEntries.places(list, settings).isEmpty())
                .isPresent();
    }

    /** The positions of our plugin in a list. */
    static List<Integer> ownPositions(NetworkConfigList list, InstallSettings settings) {
        List<Integer> positions = new ArrayList<>();
        for (int i = 0; i < list.plugins().size(); i++) {
            if (list.plugins().get(i).type().equals(settings.type())) {
                positions.add(i);
            }
        }
        return positions;
    }

    /** The file that the settings name, if there is one of that name or of its other form. */
    static Optional<ConfFile> named(ConfDirSnapshot dir, InstallSettings settings) {
        String name = settings.confName();
        String stem = stem(name);
        return List.of(name, stem + ".conflist", stem + ".conf").stream()
                .flatMap(candidate -> dir.file(candidate).stream())
                .findFirst();
    }

    private static Optional<ConfFile.Valid> valid(Optional<ConfFile> file) {
        return file.filter(ConfFile.Valid.class::isInstance).map(ConfFile.Valid.class::cast);
    }

    private static InstallPlan withoutBase(ConfDirSnapshot dir, InstallSettings settings) {
        Optional<ConfFile> candidate = settings.confName().isEmpty()
                ? dir.invalid().stream().findFirst().map(ConfFile.class::cast)
                : named(dir, settings);
        if (candidate.isPresent() && candidate.get() instanceof ConfFile.Invalid invalid) {
            return new InstallPlan.Refuse(invalid.name(), invalid.reason());
        }
        Optional<ConfFile.Divided> divided = dir.divided().stream().findFirst();
        if (divided.isPresent()) {
            return new InstallPlan.Refuse(
                    divided.get().name(),
                    "its plugins are in the directory " + divided.get().directory()
                            + ", and plugins in the list itself would run before them");
        }
        return new InstallPlan.Wait(
                settings.confName().isEmpty()
                        ? "the base CNI's configuration in " + dir.dir()
                        : "the base CNI's configuration in " + dir.dir().resolve(settings.confName()));
    }

    private static List<FileEdit> append(ConfFile.Valid file, InstallSettings settings) {
        NetworkConfigList list = file.list();
        List<Integer> own = ownPositions(list, settings);
        boolean inPlace = own.equals(List.of(list.plugins().size() - 1));
        if (inPlace && list.plugins().getLast().json().equals(settings.entry())) {
            return List.of();
        }
        String text = inPlace
                ? new ChainText(list.text()).replaceLast(settings.entry())
                : new ChainText(without(list, own)).append(settings.entry());
        return List.of(new FileEdit.Write(file.name(), text, file.name()));
    }

    private static List<FileEdit> removeFrom(ConfDirSnapshot dir, ConfFile.Valid file, InstallSettings settings) {
        NetworkConfigList list = file.list();
        List<Integer> own = ownPositions(list, settings);
        int foreign = list.plugins().size() - own.size();
        if (foreign == 0) {
            return List.of(new FileEdit.Delete(file.name()));
        }
        Optional<String> original = LiftedConf.originalName(list).filter(ignored -> foreign == 1);
        if (original.isPresent()) {
            return lower(dir, file, original.get(), own);
        }
        return own.isEmpty() ? List.of() : List.of(new FileEdit.Write(file.name(), without(list, own), file.name()));
    }

    /** A file that was written again is newer than what the list was made from. */
    private static List<FileEdit> lower(ConfDirSnapshot dir, ConfFile.Valid file, String original, List<Integer> own) {
        FileEdit delete = new FileEdit.Delete(file.name());
        if (dir.file(original).isPresent()) {
            return List.of(delete);
        }
        String text = own.contains(0) ? without(file.list(), own) : file.list().text();
        return List.of(new FileEdit.Write(original, LiftedConf.originalText(text), file.name()), delete);
    }

    static String without(NetworkConfigList list, List<Integer> own) {
        String text = list.text();
        for (int position : own.reversed()) {
            text = new ChainText(text).remove(position);
        }
        return text;
    }

    /**
     * A name for the list that replaces a single plugin's configuration: one that is not in use, and that runtimes
     * reach when they would have come to the old one.
     */
    private static Optional<String> liftedName(ConfDirSnapshot dir, ConfFile.Valid file) {
        return List.of(stem(file.name()) + ".conflist", file.name() + ".conflist").stream()
                .filter(name -> isFree(dir, name, file) && keepsItsPlace(dir, name, file))
                .findFirst();
    }

    private static boolean isFree(ConfDirSnapshot dir, String name, ConfFile.Valid file) {
        boolean isOurs = dir.file(name)
                .flatMap(ConfFile::network)
                .flatMap(LiftedConf::originalName)
                .map(file.name()::equals)
                .orElse(false);
        return isOurs || (dir.file(name).isEmpty() && !dir.others().contains(name));
    }

    private static boolean keepsItsPlace(ConfDirSnapshot dir, String name, ConfFile.Valid file) {
        return dir.valid().stream()
                .map(ConfFile.Valid::name)
                .filter(other -> !other.equals(file.name()) && !other.equals(name))
                .allMatch(other -> ConfDirSnapshot.BY_BYTES.compare(other, name) < 0
                        == ConfDirSnapshot.BY_BYTES.compare(other, file.name()) < 0);
    }

    private static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? name : name.substring(0, dot);
    }
}
