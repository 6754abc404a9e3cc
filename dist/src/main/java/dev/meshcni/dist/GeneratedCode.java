// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.dist;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The C that TeaVM makes of the plugin's classes, as a copy that starts faster: without those parts of TeaVM's runtime
 * for which {@code libc.h} and {@code start.c} have others, and with the data of all classes that are written to when
 * it runs in one place.
 */
final class GeneratedCode {
    /** The file that includes the others. */
    static final String ALL = "all.c";

    /** Functions and macros that {@code libc.h} and {@code start.c} replace, by file. */
    private static final Map<String, List<String>> REPLACED = Map.of(
            "core.h", List.of("TEAVM_PACK_CLASS", "TEAVM_UNPACK_CLASS"),
            "string.h", List.of("TEAVM_STRING", "TEAVM_STRING_FROM_CODES"),
            "core.c", List.of("teavm_beforeInit", "teavm_initClasses"),
            "fiber.c", List.of("teavm_initFiber", "teavm_waitFor", "teavm_interrupt"),
            "heaptrace.c", List.of("teavm_gc_gcStarted"),
            "memory.c", List.of("teavm_initHeap", "teavm_registerStaticGcRoots", "teavm_initStaticGcRoots"),
            "strings.c", List.of("teavm_initStringPool"),
            // Nothing takes their place: constants are not entered into the table of String.intern, so nobody may call
            // that.
            "stringhash.c", List.of("teavm_registerString", "teavm_internString"));

    /**
     * Behind all other sections of the name's beginning, as the linker sorts by name: there is what is written to
     * anyway.
     */
    private static final String SECTION = "__attribute__((section(\".data.zz_classes\"))) ";

    /** A class whose object is made, whose array class is, or which has an initialiser to run once. */
    private static final Pattern WRITTEN = Pattern.compile(
            "teavm_get(?:ClassObject|ArrayClass)\\(\\(TeaVM_Class\\*\\) &(\\w+)_Cls\\)"
                    + "|^void initclass_(\\w+)\\(\\) \\{",
            Pattern.MULTILINE);

    private static final Pattern CLASS = Pattern.compile("^alignas\\(8\\) \\w+ (\\w+)_Cls = \\{", Pattern.MULTILINE);

    private final Path directory;

    private GeneratedCode(Path directory) {
        this.directory = directory;
    }

    /**
     * Copies what TeaVM has made.
     *
     * @param start what comes behind it
     * @param scratch where the copy goes
     */
    static GeneratedCode copy(Path generated, Path start, Path scratch) throws IOException {
        Path directory = scratch.resolve("c");
        try (Stream<Path> files = Files.walk(generated)) {
            for (Path file : files.toList()) {
                Files.copy(file, directory.resolve(generated.relativize(file).toString()));
            }
        }
        GeneratedCode code = new GeneratedCode(directory);
        code.leaveOut();
        code.gatherClasses();
        Files.copy(start, directory.resolve(start.getFileName()));
        Files.writeString(
                code.all(), "\n#include \"%s\"\n".formatted(start.getFileName()), UTF_8, StandardOpenOption.APPEND);
        return code;
    }

    /** The file to compile. */
    Path all() {
        return directory.resolve(ALL);
    }

    private void leaveOut() throws IOException {
        for (Map.Entry<String, List<String>> names : REPLACED.entrySet()) {
            Path file = directory.resolve(names.getKey());
            String text = Files.readString(file, UTF_8);
            for (String name : names.getValue()) {
                text = withoutDefinition(file, text, name);
            }
            Files.writeString(file, text, UTF_8);
        }
    }

    /** The definition stays under another name that nothing uses, and the compiler leaves it out. */
    private static String withoutDefinition(Path file, String text, String name) {
        Pattern macro = Pattern.compile("(?m)^( *#define )" + name + "\\(");
        Pattern function = Pattern.compile("(?m)^( *)(\\w[\\w* ]* \\**)" + name + "(\\([^;{}]*\\) \\{)$");
        String without = macro.matcher(text).replaceAll("$1unused_" + name + "(");
        without = function.matcher(without).replaceAll("$1static $2unused_" + name + "$3");
        if (without.equals(text)) {
            throw new AssemblyException(file.getFileName() + " does not define " + name
                    + ": another TeaVM starts otherwise; look at what cni-plugin/src/main/c takes the place of");
        }
        return without;
    }

    private void gatherClasses() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> sources =
                    files.filter(file -> file.toString().endsWith(".c")).toList();
            Set<String> written = new HashSet<>();
            for (Path source : sources) {
                Matcher matcher = WRITTEN.matcher(Files.readString(source, UTF_8));
                while (matcher.find()) {
                    written.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
                }
            }
            for (Path source : sources) {
                Files.writeString(source, gathered(Files.readString(source, UTF_8), written), UTF_8);
            }
        }
    }

    private static String gathered(String text, Set<String> written) {
        return CLASS.matcher(text)
                .replaceAll((MatchResult definition) -> Matcher.quoteReplacement(
                        written.contains(definition.group(1)) ? SECTION + definition.group() : definition.group()));
    }
}
