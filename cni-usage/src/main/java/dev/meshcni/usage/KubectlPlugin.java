// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.usage;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * {@code kubectl meshcni}: kubectl finds the program under the name {@value #PLUGIN}, and asks {@value #COMPLETION} for
 * what may follow on its command line. Both are links to {@code meshcni}.
 */
public final class KubectlPlugin {
    public static final String PLUGIN = "kubectl-meshcni";
    public static final String COMPLETION = "kubectl_complete-meshcni";

    private static final String NAME = "kubectl meshcni";

    /** The program where it is called in a help text, not where it is spoken of. */
    private static final Pattern CALL = Pattern.compile("(?<![-/\\w])meshcni (?=[a-z-])");

    /** For shells: no files, if nothing else fits. */
    private static final String NO_FILES = ":4";

    private KubectlPlugin() {}

    /** The command line, which calls itself {@code kubectl meshcni} in its help and errors. */
    public static CommandLine named(CommandLine root) {
        root.setCommandName(NAME);
        rename(root.getCommandSpec());
        root.getSubcommands().values().forEach(command -> rename(command.getCommandSpec()));
        return root;
    }

    private static void rename(CommandSpec command) {
        UsageMessageSpec usage = command.usageMessage();
        usage.description(renamed(usage.description()));
        usage.footer(renamed(usage.footer()));
    }

    private static String[] renamed(String... lines) {
        return Stream.of(lines)
                .map(line -> CALL.matcher(line).replaceAll(NAME + " "))
                .toArray(String[]::new);
    }

    /**
     * What may stand where the last word does, one a line, and a line for kubectl: {@code :4} for no files, {@code :0}
     * where a file may stand, too.
     */
    public static List<String> completions(CommandLine root, List<String> words) {
        String begun = words.isEmpty() ? "" : words.getLast();
        List<String> before = words.isEmpty() ? List.of() : words.subList(0, words.size() - 1);
        CommandLine command = before.stream()
                .filter(word -> !word.startsWith("-"))
                .findFirst()
                .map(root.getSubcommands()::get)
                .orElse(root);
        List<String> lines = new ArrayList<>(candidates(command, before, begun).stream()
                .filter(candidate -> candidate.startsWith(begun))
                .toList());
        lines.add(takesFile(command, before) ? ":0" : NO_FILES);
        return lines;
    }

    private static Collection<String> candidates(CommandLine command, List<String> before, String begun) {
        CommandSpec spec = command.getCommandSpec();
        OptionSpec option = pending(command, before);
        if (option != null) {
            return values(option);
        }
        if (begun.startsWith("-")) {
            return spec.options().stream()
                    .filter(found -> !found.hidden())
                    .map(OptionSpec::longestName)
                    .toList();
        }
        List<String> words = new ArrayList<>();
        command.getSubcommands().forEach((name, each) -> {
            if (!each.getCommandSpec().usageMessage().hidden()) {
                words.add(name);
            }
        });
        spec.positionalParameters().forEach(parameter -> words.addAll(values(parameter)));
        return words;
    }

    private static boolean takesFile(CommandLine command, List<String> before) {
        OptionSpec option = pending(command, before);
        return option != null && option.paramLabel().matches(".*(FILE|DIR)");
    }

    /** The option before the last word, if that has to be its value. */
    private static OptionSpec pending(CommandLine command, List<String> before) {
        OptionSpec option =
                before.isEmpty() ? null : command.getCommandSpec().optionsMap().get(before.getLast());
        return option != null && option.arity().max() > 0 ? option : null;
    }

    private static List<String> values(ArgSpec argument) {
        return argument.completionCandidates() == null
                ? List.of()
                : StreamSupport.stream(argument.completionCandidates().spliterator(), false)
                        .toList();
    }
}
