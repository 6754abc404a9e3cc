// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.api.conf;

import dev.meshcni.api.CniEnvironment;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.Quote;
import dev.meshcni.api.SpecVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Findings about a configuration directory that do not depend on the base CNI.
 *
 * <p>API status: EXPERIMENTAL (docs/versioning.md).
 *
 * @since 0.1.0
 */
public final class ConfDirFindings {
    /** The credential that istio-cni left on the host up to Istio 1.20. */
    private static final String OLD_KUBECONFIG = "ZZZ-istio-cni-kubeconfig";

    /**
     * What is said of a file by {@link ConfDir} where a runtime, as any Go program, takes each wrong byte for a mark.
     */
    private static final String NOT_UTF_8 = "not UTF-8";

    private final ConfDirSnapshot dir;
    private final InstallSettings settings;
    private final List<Finding> findings = new ArrayList<>();

    private ConfDirFindings(ConfDirSnapshot dir, InstallSettings settings) {
        this.dir = dir;
        this.settings = settings;
    }

    /** All findings, in the order in which an operator would check them. */
    public static List<Finding> of(ConfDirSnapshot dir, InstallSettings settings) {
        ConfDirFindings all = new ConfDirFindings(dir, settings);
        all.invalidFiles();
        all.dividedLists();
        all.primary();
        all.otherNetworks();
        all.nestedEntries();
        all.otherMeshes();
        all.copies();
        all.leftovers();
        ChainedConf.base(dir, settings).ifPresent(all::base);
        return List.copyOf(all.findings);
    }

    private void invalidFiles() {
        for (ConfFile.Invalid file : dir.invalid()) {
            String what = file.name() + " cannot be loaded: " + file.reason();
            if (!isBeforeTheNetwork(file)) {
                findings.add(Finding.info(what + "; runtimes do not read it by default", ""));
            } else if (file.reason().contains(NOT_UTF_8)) {
                findings.add(Finding.error(
                        what + "; runtimes load it nevertheless, and " + settings.type() + " is not chained there",
                        "convert it: iconv -f ISO-8859-1 -t UTF-8"));
            } else {
                findings.add(Finding.error(
                        what + "; containerd loads no network while this file exists, CRI-O skips it",
                        "correct or remove " + file.name()));
            }
        }
    }

    private boolean isBeforeTheNetwork(ConfFile file) {
        return dir.primary()
                .map(valid -> ConfDirSnapshot.BY_BYTES.compare(file.name(), valid.name()) < 0)
                .orElse(true);
    }

    private void dividedLists() {
        for (ConfFile.Divided file : dir.divided()) {
            String what = file.name() + " has its plugins in " + dir.dir().resolve(file.directory()) + " ("
                    + String.join(", ", file.plugins()) + "), which libcni 1.3 and newer load";
            findings.add(
                    isBeforeTheNetwork(file) && settings.chained()
                            ? Finding.error(
                                    what + ": it is the network of pods, and " + settings.type()
                                            + " cannot be chained behind them, because the plugins of a list run first",
                                    "move the plugins into the list of " + file.name())
                            : Finding.info(what, ""));
        }
    }

    private void primary() {
        Optional<ConfFile.Valid> primary = dir.primary();
        if (primary.isPresent() && !ChainedConf.hasForeignPlugin(primary.get().list(), settings)) {
            findings.add(withoutNetwork(primary.get()));
        }
        Optional<ConfFile.Valid> base = ChainedConf.base(dir, settings);
        boolean delegated =
                primary.flatMap(file -> ChainedConf.delegate(file.list())).equals(base.map(ConfFile.Valid::name));
        if (settings.chained() && base.isPresent() && primary.isPresent() && !base.equals(primary) && !delegated) {
            findings.add(Finding.warning(
                    settings.type() + " is installed into " + base.get().name() + ", but runtimes use "
                            + primary.get().name(),
                    !settings.ownedName().isEmpty()
                            ? "set istio-owned-cni-config-filename to a name that sorts before "
                                    + primary.get().name()
                            : "leave cni-conf-name empty, or rename the files so that "
                                    + base.get().name() + " sorts first"));
        }
    }

    /** Unchained, the directory may be one that no runtime reads, as OpenShift's for Multus is. */
    private Finding withoutNetwork(ConfFile.Valid primary) {
        String file = primary.name();
        String what = file + " sorts first and contains nothing but "
                + String.join(", ", types(primary.list()).distinct().toList());
        return settings.chained()
                ? Finding.error(
                        what + ": pods would get no network from it",
                        "restore the base CNI's configuration, or rename it to sort before " + file)
                : Finding.warning(
                        what + ": a runtime that reads this directory gives pods no network",
                        "rename the base CNI's configuration to sort before " + file
                                + ", unless only Multus uses this directory");
    }

    private void otherNetworks() {
        List<String> sources = dir.valid().stream()
                .flatMap(file -> OwnedConf.source(file, settings).stream())
                .toList();
        List<ConfFile.Valid> valid = dir.valid().stream()
                .filter(file -> !sources.contains(file.name()))
                .toList();
        if (valid.size() > 1) {
            findings.add(Finding.info(
                    valid.size() + " networks: pods use the one in "
                            + valid.getFirst().name() + "; containerd attaches more if max_conf_num is not 1",
                    ""));
        }
        Optional<String> base = ChainedConf.base(dir, settings).map(ConfFile.Valid::name);
        valid.stream()
                .filter(file -> settings.chained() && !Optional.of(file.name()).equals(base))
                .filter(file -> !ChainedConf.ownPositions(file.list(), settings).isEmpty())
                .forEach(file -> findings.add(Finding.warning(
                        settings.type() + " is also in " + file.name(),
                        "installing removes it there; a file owned by another component may be written again")));
    }

    private void nestedEntries() {
        for (ConfFile.Valid file : dir.valid()) {
            NestedEntries.places(file.list(), settings)
                    .forEach(place -> findings.add(Finding.warning(
                            settings.type() + " is also in " + file.name() + " at " + place + ", inside "
                                    + String.join(", ", NestedEntries.holders(file.list(), settings))
                                    + ", which calls it",
                            "uninstalling takes it out of lists with other plugins; remove it elsewhere, and restart"
                                    + " Multus, which copies its default network when it starts")));
        }
        dir.pluginFiles().forEach((name, file) -> {
            if (ChainedConf.calls(file, settings)) {
                findings.add(Finding.warning(
                        settings.type() + " is also in " + name + ", which libcni 1.3 and newer run after the list",
                        "remove " + dir.dir().resolve(name)));
            }
        });
    }

    /** They redirect the same pods as well, each to its own proxy; which one gets the traffic is a matter of order. */
    private void otherMeshes() {
        for (ConfFile.Valid file : dir.valid()) {
            OtherMesh.in(file.list())
                    .forEach(mesh -> findings.add(Finding.warning(
                            file.name() + " also has " + mesh.type() + ", by which " + mesh.product()
                                    + " redirects pods to its own proxy: a pod that both redirect loses connections",
                            "inject a pod by one mesh only, and remove " + mesh.type()
                                    + " when no pod on this node needs it")));
        }
    }

    private void copies() {
        List<ConfFile.Valid> ours = dir.valid().stream()
                .filter(file -> OwnedConf.source(file, settings).isPresent())
                .toList();
        ours.forEach(this::copy);
        if (ours.isEmpty()) {
            foreignCopy();
        }
    }

    private void copy(ConfFile.Valid copy) {
        String source = OwnedConf.source(copy, settings).orElseThrow();
        Optional<ConfFile> original = dir.file(source);
        if (original.isEmpty()) {
            findings.add(Finding.warning(
                    copy.name() + " is a copy of " + source + ", which does not exist any more",
                    "check the base CNI; the daemon removes the copy, and so does meshcni uninstall"));
        } else if (original.get() instanceof ConfFile.Valid valid && !OwnedConf.isCurrent(copy, valid, settings)) {
            findings.add(Finding.warning(
                    copy.name() + " is a copy of an earlier " + source + ": pods do not use what has changed there",
                    "check the istio-cni-node pod of this node: the daemon copies each change at once"));
        }
    }

    /**
     * Istio makes such a copy with {@code istioOwnedCNIConfig}, and the base CNI does not keep it as it keeps its own
     * file.
     */
    private void foreignCopy() {
        List<ConfFile.Valid> valid = dir.valid();
        for (int i = 1; i < valid.size(); i++) {
            ConfFile.Valid first = valid.getFirst();
            ConfFile.Valid other = valid.get(i);
            if (first.list().name().equals(other.list().name())
                    && foreignTypes(first.list()).equals(foreignTypes(other.list()))) {
                findings.add(Finding.warning(
                        first.name() + " is a copy of " + other.name()
                                + ", created by Istio's istioOwnedCNIConfig: pods use the copy, and changes of the"
                                + " base CNI to its own file have no effect",
                        first.name().equals(settings.ownedName())
                                ? "installing replaces it with a copy that follows " + other.name()
                                : "remove " + first.name() + "; " + settings.type() + " is then installed into "
                                        + other.name()));
                return;
            }
        }
    }

    private List<String> foreignTypes(NetworkConfigList list) {
        return types(list).filter(type -> !type.equals(settings.type())).toList();
    }

    private void leftovers() {
        if (dir.others().contains(OLD_KUBECONFIG)) {
            findings.add(Finding.warning(
                    OLD_KUBECONFIG + " is a credential left behind by an earlier istio-cni; it is unused",
                    "remove " + dir.dir().resolve(OLD_KUBECONFIG)));
        }
        List<String> takenOver = dir.others().stream()
                .filter(name -> name.endsWith(".cilium_bak"))
                .sorted()
                .toList();
        if (!takenOver.isEmpty()) {
            findings.add(Finding.warning(
                    "Cilium has taken exclusive control of this directory and renamed " + String.join(", ", takenOver),
                    "set Cilium's Helm value cni.exclusive to false"));
        }
    }

    private void base(ConfFile.Valid file) {
        NetworkConfigList list = file.list();
        if (settings.chained()) {
            position(file);
            lifting(file);
        }
        version(file);
        if (!CniEnvironment.isIdentifier(list.name())) {
            findings.add(Finding.error(
                    file.name() + " has the network name " + Quote.of(list.name())
                            + ", which runtimes reject for every pod",
                    "use a name of letters, digits, '_', '.' and '-'"));
        }
        if (list.disableCheck()) {
            findings.add(Finding.info(
                    file.name() + " sets disableCheck: runtimes do not detect damaged redirection",
                    "remove disableCheck, or rely on the daemon's drift detection"));
        }
        if (!list.loadOnlyInlinedPlugins() && dir.networkDirs().containsKey(list.name())) {
            findings.add(Finding.warning(
                    "runtimes with libcni 1.3 or newer also run, after " + settings.type() + ", the plugins of "
                            + dir.dir().resolve(list.name()) + ": "
                            + String.join(", ", dir.networkDirs().get(list.name())),
                    "move them into " + file.name() + ", or set loadOnlyInlinedPlugins there"));
        }
        if (types(list).anyMatch("cilium-cni"::equals) && settings.chained()) {
            findings.add(Finding.warning(
                    settings.ownedName().isEmpty()
                            ? "Cilium rewrites " + file.name()
                                    + " and drops other plugins unless cni.exclusive is false"
                            : "Cilium renames " + settings.ownedName() + " unless cni.exclusive is false",
                    "set Cilium's Helm value cni.exclusive to false"));
        }
    }

    private void position(ConfFile.Valid file) {
        List<Integer> own = ChainedConf.ownPositions(file.list(), settings);
        int last = file.list().plugins().size() - 1;
        if (own.size() > 1) {
            findings.add(Finding.warning(
                    settings.type() + " is " + own.size() + " times in " + file.name(),
                    "installing keeps one entry, at the end"));
        } else if (own.size() == 1 && own.getFirst() != last) {
            findings.add(Finding.warning(
                    settings.type() + " is not the last plugin in " + file.name() + ": "
                            + file.list().plugins().get(last).type() + " comes after it",
                    "installing moves it to the end"));
        }
        boolean original = own.stream()
                .map(position -> file.list().plugins().get(position).json())
                .anyMatch(plugin -> plugin.has("kubernetes") || plugin.has("log_uds_address"));
        if (original) {
            findings.add(Finding.info(
                    file.name() + " contains the entry of another istio-cni",
                    "installing replaces it; remove the other DaemonSet, or both will keep rewriting the file"));
        }
    }

    private void lifting(ConfFile.Valid file) {
        if (file.list().single() && settings.ownedName().isEmpty()) {
            findings.add(Finding.info(
                    file.name() + " is converted to a .conflist; uninstalling restores it",
                    "if the base CNI looks for " + file.name()
                            + " (as OpenShift SDN's readiness probe does), let it write a .conflist itself, or"
                            + " install unchained"));
        }
    }

    private void version(ConfFile.Valid file) {
        String text = file.list().cniVersion();
        Optional<SpecVersion> version = text.isEmpty() ? Optional.of(SpecVersion.V0_1_0) : SpecVersion.of(text);
        if (version.isEmpty()) {
            findings.add(Finding.error(
                    file.name() + " uses CNI version " + Quote.of(text) + ", which " + settings.type()
                            + " does not support",
                    "use one of " + String.join(", ", versions())));
        } else if (!version.get().atLeast(SpecVersion.V0_4_0)) {
            findings.add(Finding.info(
                    file.name() + " uses CNI version " + version.get()
                            + ": before 0.4.0 there is no CHECK, and DEL does not receive the result of ADD",
                    ""));
        }
    }

    private static List<String> versions() {
        return SpecVersion.all().stream().map(SpecVersion::text).toList();
    }

    private static Stream<String> types(NetworkConfigList list) {
        return list.plugins().stream().map(NetworkConfigList.Plugin::type);
    }
}
