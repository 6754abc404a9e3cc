// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.chain.multus;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Our plugin in a file of its own. */
final class StandaloneConf {
    /** Istio's name for it: it sorts behind the base CNI's, so that no runtime takes it for the network of pods. */
    private static final String FILE = "YYY-istio-cni.conf";

    private static final String CNI_VERSION = "0.3.1";

    private StandaloneConf() {}

    static String fileName(InstallSettings settings) {
        return settings.confName().isEmpty() ? FILE : settings.confName();
    }

    /** The network's name, which a NetworkAttachmentDefinition finds it by. */
    static String networkName(InstallSettings settings) {
        return settings.entry().path("name").asText(settings.type());
    }

    static InstallPlan install(ConfDirSnapshot dir, InstallSettings settings) {
        String name = fileName(settings);
        Optional<ConfFile> present = dir.file(name);
        if (present.isPresent() && present.get() instanceof ConfFile.Invalid invalid) {
            return new InstallPlan.Refuse(invalid.name(), invalid.reason());
        }
        Optional<NetworkConfigList> network = present.flatMap(ConfFile::network);
        if (network.isPresent() && !isOurs(network.get(), settings)) {
            return new InstallPlan.Refuse(name, "it contains the network of another plugin");
        }
        Optional<InstallPlan> obstacle = settings.forced() ? Optional.empty() : obstacle(dir, name, settings);
        if (obstacle.isPresent()) {
            return obstacle.get();
        }
        String content = content(name, settings);
        List<FileEdit> edits = new ArrayList<>();
        if (!network.map(NetworkConfigList::text).equals(Optional.of(content))) {
            edits.add(new FileEdit.Write(name, content, name));
        }
        ChainedConf.uninstall(dir, settings).stream()
                .filter(edit -> !edit.name().equals(name))
                .forEach(edits::add);
        return new InstallPlan.Edits(edits);
    }

    /**
     * What would come of the file in a directory that a runtime reads: it must neither be the network of pods, nor lie
     * there for nobody. Multus' own directory is none of these; what else a directory may be that holds no network is
     * not known.
     */
    private static Optional<InstallPlan> obstacle(ConfDirSnapshot dir, String name, InstallSettings settings) {
        Optional<ConfFile.Valid> network = ChainedConf.base(dir, InstallSettings.chainedInto(settings.entry()));
        if (network.isEmpty() || dir.dir().toString().contains("multus")) {
            return Optional.empty();
        }
        ConfDirSnapshot after = dir.after(List.of(new FileEdit.Write(name, content(name, settings), name)));
        if (after.primary().filter(first -> first.name().equals(name)).isPresent()) {
            return Optional.of(new InstallPlan.Refuse(
                    name,
                    "it would sort before " + network.get().name()
                            + " and be the network of pods, which is none; choose"
                            + " a cni-conf-name that sorts behind it, or --force-unchained-conf"));
        }
        boolean called = dir.valid().stream()
                .flatMap(file -> file.list().plugins().stream())
                .anyMatch(plugin -> MultusChainAdapter.TYPES.contains(plugin.type()));
        return called
                ? Optional.empty()
                : Optional.of(new InstallPlan.Wait("Multus in " + dir.dir() + ": nothing else would call " + name
                        + ", and no pod be redirected; install chained, or with --force-unchained-conf"));
    }

    /** What an operator has to know about the file where it lies all the same. */
    static Optional<Finding> finding(ConfDirSnapshot dir, InstallSettings settings) {
        String name = fileName(settings);
        return dir.file(name).flatMap(_ -> obstacle(dir, name, settings)).map(obstacle -> switch (obstacle) {
            case InstallPlan.Refuse refuse ->
                Finding.error(
                        name + " is the network of pods, which is none", "remove " + name + ": " + refuse.reason());
            default ->
                new Finding(
                        settings.forced() ? Finding.Severity.WARNING : Finding.Severity.ERROR,
                        name + " is called by nothing: there is no Multus in " + dir.dir()
                                + ", and no pod is redirected",
                        "install chained, or into Multus' directory, and remove " + name);
        });
    }

    private static boolean isOurs(NetworkConfigList network, InstallSettings settings) {
        return network.plugins().stream().allMatch(plugin -> plugin.type().equals(settings.type()));
    }

    private static String content(String fileName, InstallSettings settings) {
        ObjectNode conf = settings.entry().objectNode().put("cniVersion", CNI_VERSION);
        conf.put("name", networkName(settings));
        if (fileName.endsWith(".conflist")) {
            conf.putArray("plugins").add(settings.entry());
        } else {
            conf.setAll(settings.entry());
        }
        return CniJson.pretty(conf) + "\n";
    }
}
