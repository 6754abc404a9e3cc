// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.doctor.Check;
import dev.meshcni.doctor.ClusterReport;
import java.util.Locale;

/** Writes what {@code meshcni doctor --cluster} has found. */
final class ClusterReportFormat {
    private ClusterReportFormat() {}

    /** The report as text: a line for each check, and one for its remedy. */
    static String text(ClusterReport report) {
        StringBuilder text = new StringBuilder();
        for (ClusterReport.Subject subject : report.subjects()) {
            text.append(subject.title()).append('\n');
            for (Check check : subject.checks()) {
                text.append("  ")
                        .append(DoctorCommand.text(check.verdict(), check.what(), check.remedy()))
                        .append('\n');
            }
            text.append('\n');
        }
        return text.toString();
    }

    /** The same for programs: an object with the list {@code checks}. */
    static String json(ClusterReport report) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("version", 1).put("ok", !report.hasErrors());
        ArrayNode checks = root.putArray("checks");
        report.subjects()
                .forEach(subject -> subject.checks()
                        .forEach(check -> checks.addObject()
                                .put("subject", subject.title())
                                .put("verdict", verdict(check))
                                .put("what", check.what())
                                .put("remedy", check.remedy())));
        return CniJson.pretty(root) + "\n";
    }

    private static String verdict(Check check) {
        return check.verdict().name().toLowerCase(Locale.ROOT);
    }
}
