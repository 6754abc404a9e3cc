// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** A command line with what others have. */
final class Sample {
    private Sample() {}

    enum Form {
        text,
        json
    }

    static CommandLine commandLine() {
        CommandSpec root = CommandSpec.create().name("sample").mixinStandardHelpOptions(true);
        root.usageMessage().description("Do one of some things.");
        return new CommandLine(root).addSubcommand(show()).addSubcommand(internal());
    }

    private static CommandSpec show() {
        CommandSpec show = CommandSpec.create().name("show");
        show.addPositional(PositionalParamSpec.builder()
                .paramLabel("THING")
                .type(String.class)
                .arity("0..1")
                .description("The thing.")
                .build());
        show.addOption(OptionSpec.builder("-o", "--output")
                .paramLabel("FORMAT")
                .type(Form.class)
                .defaultValue("text")
                .description("${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
                .build());
        show.addOption(OptionSpec.builder("-f", "--filename")
                .paramLabel("FILE")
                .type(String.class)
                .description("The thing's file; it's read.")
                .build());
        show.addOption(OptionSpec.builder("--verbose")
                .type(boolean.class)
                .description("Say more.")
                .build());
        show.addOption(
                OptionSpec.builder("--secret").type(boolean.class).hidden(true).build());
        show.usageMessage()
                .description("Show a thing. Changes nothing.", "", ".dots and 'quotes' at the start of a line are text")
                .exitCodeList(new TreeMap<>(Map.of("0", "shown", "1", "100 %% failed")))
                .footer("  sample show -f a.yaml", "", "The daemon of sample (meshcni) runs meshcni show there.");
        return show;
    }

    private static CommandSpec internal() {
        CommandSpec internal = CommandSpec.create().name("internal");
        internal.usageMessage().description("For the build.").hidden(true);
        return internal;
    }
}
