// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.meshcni.api.CniJson;
import dev.meshcni.api.SpecVersion;
import dev.meshcni.config.ProductVersion;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what this build is. */
@Command(name = "version", description = "Print the version of this build, of the CNI specification and of Java.")
final class VersionCommand implements Runnable {
    @Mixin
    private OutputOption output;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        List<String> specification =
                Arrays.stream(SpecVersion.values()).map(SpecVersion::text).toList();
        PrintWriter out = spec.commandLine().getOut();
        switch (output.form()) {
            case text -> {
                out.println("mesh-cni " + ProductVersion.text());
                out.println("CNI specification " + String.join(", ", specification));
                out.println("Java " + Runtime.version());
            }
            case json -> {
                ObjectNode root = JsonNodeFactory.instance.objectNode();
                root.put("version", 1).put("meshCni", ProductVersion.text());
                specification.forEach(root.putArray("cniSpecification")::add);
                root.put("java", Runtime.version().toString());
                out.println(CniJson.pretty(root));
            }
        }
    }
}
