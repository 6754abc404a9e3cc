// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.doctor.NodeReport;
import java.nio.file.Path;
import java.util.Locale;

/** The report about a node for programs: an object with the list {@code findings}. */
final class NodeReportJson {
    private NodeReportJson() {}

    static String of(Path confDir, NodeReport report) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("version", 1).put("ok", !report.hasErrors()).put("confDir", confDir.toString());
        report.configuration().forEach(root.putArray("configuration")::add);
        report.adapters().forEach(root.putArray("adapters")::add);
        root.put("baseCni", report.baseCni()).put("plugin", report.plugin()).put("agent", report.agent());
        ArrayNode findings = root.putArray("findings");
        report.findings()
                .forEach(finding -> findings.addObject()
                        .put("severity", finding.severity().name().toLowerCase(Locale.ROOT))
                        .put("what", finding.what())
                        .put("remedy", finding.remedy()));
        report.plan().forEach(root.putArray("plan")::add);
        return CniJson.pretty(root);
    }
}
