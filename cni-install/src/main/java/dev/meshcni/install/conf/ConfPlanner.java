// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install.conf;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.NetworkConfigList;
import dev.meshcni.api.chain.ChainAdapters;
import dev.meshcni.api.chain.ChainAdapters.Choice;
import dev.meshcni.api.conf.ChainedConf;
import dev.meshcni.api.conf.ConfDirSnapshot;
import dev.meshcni.api.conf.ConfFile;
import dev.meshcni.api.conf.FileEdit;
import dev.meshcni.api.conf.Finding;
import dev.meshcni.api.conf.InstallPlan;
import dev.meshcni.api.conf.InstallSettings;
import dev.meshcni.api.conf.OwnedConf;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.core.PrevResultCheck;
import dev.meshcni.install.conf.ConfInstaller.Assessment;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What has to happen in a configuration directory: the chain adapter's edits in the base CNI's file, or a copy of that
 * file with our plugin ({@link OwnedConf}).
 *
 * <p>From one to the other, our plugin comes to its new place before it leaves the old one, so that the file that
 * runtimes use always has it.
 */
final class ConfPlanner {
    /** Plugins that make their configuration of that of others. */
    private static final Set<String> MULTUS = Set.of("multus", "multus-shim");

    private final InstallSettings settings;

    /** The same without a copy, as chain adapters are asked. */
    private final InstallSettings inPlace;

    private final ChainAdapters adapters;
    private final OwnedCopies copies;

    ConfPlanner(InstallSettings settings, ChainAdapters adapters) {
        this.settings = requireNonNull(settings, "settings is null");
        this.adapters = requireNonNull(adapters, "adapters is null");
        this.copies = new OwnedCopies(settings);
        this.inPlace =
                new InstallSettings(settings.chained(), settings.confName(), settings.entry(), settings.forced());
    }

    /** The plan for a directory. */
    Assessment assess(ConfDirSnapshot dir) {
        List<FileEdit> deletions = copies.deletions(dir);
        ConfDirSnapshot others = dir.after(deletions);
        return settings.ownedName().isEmpty() ? inPlace(dir, others, deletions) : copied(dir, others, deletions);
    }

    /** The edits that take our plugin out of every file, and our copies away. */
    List<FileEdit> removal(ConfDirSnapshot dir) {
        List<FileEdit> deletions = copies.deletions(dir);
        return concat(removalOfEntries(dir.after(deletions)), deletions);
    }

    /** The findings of a directory's adapter. */
    List<Finding> findings(Assessment assessment) {
        boolean copied = assessment.dir().file(settings.ownedName()).isPresent();
        InstallSettings asked = new InstallSettings(
                settings.chained(),
                copied ? settings.ownedName() : settings.confName(),
                settings.entry(),
                settings.forced(),
                settings.ownedName());
        return assessment
                .choice()
                .map(choice -> choice.adapter().findings(assessment.dir(), asked))
                .orElse(List.of());
    }

    private Assessment inPlace(ConfDirSnapshot dir, ConfDirSnapshot others, List<FileEdit> deletions) {
        Optional<Choice> choice = adapters.choose(others, inPlace);
        InstallPlan plan = choice.map(chosen -> chosen.adapter().install(others, naming(chosen.adapter())))
                .orElseGet(() -> unsupported(dir));
        return new Assessment(
                dir,
                choice,
                switch (plan) {
                    case InstallPlan.Edits edits -> new InstallPlan.Edits(concat(edits.edits(), deletions));
                    case InstallPlan.Wait wait -> copies.withdrawal(dir, others, wait);
                    case InstallPlan.Refuse refuse -> refuse;
                });
    }

    private Assessment copied(ConfDirSnapshot dir, ConfDirSnapshot others, List<FileEdit> deletions) {
        List<FileEdit> restoration = removalOfEntries(others);
        ConfDirSnapshot foreign = others.after(restoration);
        Optional<Choice> choice = adapters.choose(foreign, inPlace);
        InstallPlan plan = choice.map(chosen -> chosen.adapter().install(foreign, naming(chosen.adapter())))
                .orElseGet(() -> unsupported(dir));
        return new Assessment(
                dir,
                choice,
                switch (plan) {
                    case InstallPlan.Edits edits -> {
                        ConfFile.Valid base = ChainedConf.base(foreign, inPlace).orElseThrow();
                        ObjectNode entry =
                                naming(choice.orElseThrow().adapter()).entry();
                        yield obstacle(others, base, foreign.after(edits.edits()))
                                .orElseGet(() -> new InstallPlan.Edits(
                                        Stream.of(copy(dir, base, entry), restoration, ofOtherNames(deletions))
                                                .flatMap(List::stream)
                                                .toList()));
                    }
                    case InstallPlan.Wait wait -> copies.withdrawal(dir, others, wait);
                    case InstallPlan.Refuse refuse -> refuse;
                });
    }

    private List<FileEdit> ofOtherNames(List<FileEdit> deletions) {
        return deletions.stream()
                .filter(deletion -> !deletion.name().equals(settings.ownedName()))
                .toList();
    }

    private List<FileEdit> copy(ConfDirSnapshot dir, ConfFile.Valid base, ObjectNode entry) {
        String text = OwnedConf.text(base, entry);
        Optional<String> present =
                dir.file(settings.ownedName()).flatMap(ConfFile::network).map(NetworkConfigList::text);
        return present.equals(Optional.of(text))
                ? List.of()
                : List.of(new FileEdit.Write(settings.ownedName(), text, base.name()));
    }

    /** Why there can be no copy of the base CNI's file. */
    private Optional<InstallPlan> obstacle(ConfDirSnapshot others, ConfFile.Valid base, ConfDirSnapshot chained) {
        String own = settings.ownedName();
        if (!OwnedConf.sortsBefore(own, base.name())) {
            return refusal(
                    own,
                    "it does not sort before " + base.name() + ", which runtimes would use: set"
                            + " --istio-owned-cni-config-filename (Helm: istioOwnedCNIConfigFileName) to a name that"
                            + " does");
        }
        boolean taken = others.file(own)
                .filter(file ->
                        !copies.isBroken(file, others.dir().resolve(own), OwnedConf.text(base, settings.entry())))
                .isPresent();
        if (taken || others.others().contains(own)) {
            return refusal(
                    own,
                    "it exists and is not a copy of " + base.name() + ": remove it, or set"
                            + " --istio-owned-cni-config-filename (Helm: istioOwnedCNIConfigFileName) to another name");
        }
        if (isMultus(base)) {
            return refusal(
                    base.name(),
                    "Multus generates it, from the first other file, which a copy would be: set"
                            + " --istio-owned-cni-config=false (Helm: istioOwnedCNIConfig)");
        }
        return chained.valid().stream().anyMatch(file -> isChainedBehind(base, file))
                ? Optional.empty()
                : refusal(
                        base.name(),
                        "the chain adapter does not chain " + settings.type() + " behind it: set"
                                + " --istio-owned-cni-config=false (Helm: istioOwnedCNIConfig)");
    }

    private boolean isChainedBehind(ConfFile.Valid base, ConfFile.Valid file) {
        return ChainedConf.calls(file, settings)
                && file.list().name().equals(base.list().name())
                && OwnedConf.foreignTypes(file.list(), settings).equals(OwnedConf.foreignTypes(base.list(), settings));
    }

    private boolean isMultus(ConfFile.Valid base) {
        return OwnedConf.foreignTypes(base.list(), settings).stream().anyMatch(MULTUS::contains);
    }

    private static Optional<InstallPlan> refusal(String file, String reason) {
        return Optional.of(new InstallPlan.Refuse(file, reason));
    }

    private InstallPlan unsupported(ConfDirSnapshot dir) {
        return new InstallPlan.Refuse(
                dir.dir().toString(),
                "no chain adapter supports a plugin that is " + (settings.chained() ? "" : "not ") + "chained");
    }

    /** Also removes what was installed with other settings, for example by an earlier version of this daemon. */
    private List<FileEdit> removalOfEntries(ConfDirSnapshot dir) {
        List<FileEdit> byAdapter = adapters.choose(dir, inPlace)
                .map(choice -> choice.adapter().uninstall(dir, inPlace))
                .orElse(List.of());
        return byAdapter.isEmpty() ? ChainedConf.uninstall(dir, inPlace) : byAdapter;
    }

    /**
     * The plugin's entry says which adapter installed it: that one checks, at every ADD, what the base CNI has left.
     */
    private InstallSettings naming(ChainAdapter adapter) {
        ObjectNode entry = settings.entry().put(PrevResultCheck.ADAPTER, adapter.name());
        return new InstallSettings(settings.chained(), settings.confName(), entry, settings.forced());
    }

    private static List<FileEdit> concat(List<FileEdit> first, List<FileEdit> second) {
        return Stream.of(first, second).flatMap(List::stream).toList();
    }
}
