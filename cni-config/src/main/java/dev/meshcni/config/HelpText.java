// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.config;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Ansi.Text;
import picocli.CommandLine.Help.ColorScheme;
import picocli.CommandLine.Help.IOptionRenderer;
import picocli.CommandLine.Help.IParameterRenderer;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * Help that can be copied from: examples stay on their lines, and the lines of descriptions end between words only.
 * Picocli breaks a line at any punctuation as well, as within {@code tcp:10.0.0.1:443} or {@code ipv4,ipv6}.
 */
public final class HelpText {
    /**
     * Where Unicode has characters of private use, at which no line is broken; 128 of them stand for those of ASCII.
     */
    private static final int PRIVATE_USE = 0xE000;

    private static final int ASCII = 0x80;

    private HelpText() {}

    /** Lets a command line, and its commands, print their help so. */
    public static void keepWords(CommandLine commandLine) {
        Map<String, IHelpSectionRenderer> sections = new HashMap<>(commandLine.getHelpSectionMap());
        sections.put(
                UsageMessageSpec.SECTION_KEY_FOOTER,
                help -> Stream.of(help.commandSpec().usageMessage().footer())
                        .map(line -> line + System.lineSeparator())
                        .collect(Collectors.joining()));
        sections.replaceAll((_, section) -> help -> breakable(section.render(help)));
        commandLine.setHelpSectionMap(sections);
        commandLine.setHelpFactory(WholeWords::new);
    }

    private static String unbreakable(String text) {
        return mapped(
                text,
                character ->
                        character < ASCII && !Character.isLetterOrDigit(character) && !Character.isWhitespace(character)
                                ? PRIVATE_USE + character
                                : character);
    }

    private static String breakable(String text) {
        return mapped(
                text,
                character -> character >= PRIVATE_USE && character < PRIVATE_USE + ASCII
                        ? character - PRIVATE_USE
                        : character);
    }

    private static String mapped(String text, IntUnaryOperator character) {
        return text.chars()
                .map(character)
                .collect(StringBuilder::new, (all, each) -> all.append((char) each), StringBuilder::append)
                .toString();
    }

    /** Lays out descriptions in which nothing but spaces looks like the end of a word. */
    private static final class WholeWords extends Help {
        private WholeWords(CommandSpec command, ColorScheme colors) {
            super(command, colors);
        }

        @Override
        public IOptionRenderer createDefaultOptionRenderer() {
            IOptionRenderer renderer = super.createDefaultOptionRenderer();
            return (option, labels, colors) -> wholeWords(renderer.render(option, labels, colors), colors);
        }

        @Override
        public IParameterRenderer createDefaultParameterRenderer() {
            IParameterRenderer renderer = super.createDefaultParameterRenderer();
            return (parameter, labels, colors) -> wholeWords(renderer.render(parameter, labels, colors), colors);
        }

        private static Text[][] wholeWords(Text[][] rows, ColorScheme colors) {
            return Arrays.stream(rows)
                    .map(row -> {
                        Text[] cells = row.clone();
                        int description = cells.length - 1;
                        cells[description] = colors.text(unbreakable(cells[description].plainString()));
                        return cells;
                    })
                    .toArray(Text[][]::new);
        }
    }
}
