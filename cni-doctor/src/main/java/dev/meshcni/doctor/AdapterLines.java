// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.doctor;

import dev.meshcni.api.chain.ChainAdapters.Choice;
import dev.meshcni.api.spi.ChainAdapter;
import dev.meshcni.install.conf.ConfInstaller;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The chain adapters of a node, a line each: used or declined, why, and where it was loaded from. */
final class AdapterLines {
    private AdapterLines() {}

    static List<String> of(ConfInstaller.Assessment assessment, List<Choice> detections, List<Path> idleJars) {
        Optional<ChainAdapter> used = assessment.choice().map(Choice::adapter);
        List<String> lines = new ArrayList<>();
        for (Choice each : detections) {
            lines.add(each.adapter().name() + source(each.adapter()) + ": " + verdict(each, used));
        }
        idleJars.forEach(jar -> lines.add(jar.getFileName() + ": provides no chain adapter"));
        return lines;
    }

    private static String verdict(Choice each, Optional<ChainAdapter> used) {
        String reason = each.detection().reason();
        if (used.filter(each.adapter()::equals).isPresent()) {
            return "used, " + reason;
        }
        return each.detection().claimed()
                ? "detected, " + reason + "; " + used.map(ChainAdapter::name).orElse("another") + " takes precedence"
                : "declined, " + reason;
    }

    /** The jar, of an adapter that came in one of its own. */
    private static String source(ChainAdapter adapter) {
        Module module = adapter.getClass().getModule();
        return Optional.ofNullable(module.getLayer())
                .filter(layer -> layer != AdapterLines.class.getModule().getLayer())
                .flatMap(layer -> layer.configuration().findModule(module.getName()))
                .flatMap(resolved -> resolved.reference().location())
                .filter(location -> "file".equals(location.getScheme()))
                .map(AdapterLines::jar)
                .orElse("");
    }

    private static String jar(URI location) {
        return " (" + Path.of(location).getFileName() + ")";
    }
}
