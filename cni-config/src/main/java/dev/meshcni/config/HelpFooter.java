// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The examples below the options of a command, as they are typed: a line that was wrapped could not be copied. */
public final class HelpFooter {
    private HelpFooter() {}

    /** Leaves the footers of a command line, and of its commands, as they are written. */
    public static void keepLines(CommandLine commandLine) {
        Map<String, IHelpSectionRenderer> sections = new HashMap<>(commandLine.getHelpSectionMap());
        sections.put(
                UsageMessageSpec.SECTION_KEY_FOOTER,
                help -> Stream.of(help.commandSpec().usageMessage().footer())
                        .map(line -> line + System.lineSeparator())
                        .collect(Collectors.joining()));
        commandLine.setHelpSectionMap(sections);
    }
}
