// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.daemon.InstallCni;
import dev.meshcni.kubernetes.ProxyVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What the pages in docs/ and the README say about commands is so. */
class DocumentationTest {
    private static final Path PROJECT = Path.of("..").toAbsolutePath().normalize();
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z0-9_-]*");
    private static final Pattern CALL = Pattern.compile("\\b(meshcni|install-cni) ([^`|\\n]*)");
    private static final Pattern FILE = Pattern.compile("`([\\w.-]+\\.yaml)`:\\n\\n```yaml\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern CONSOLE =
            Pattern.compile("```console\\n\\$ meshcni ([^\\n]*)\\n(.*?)```", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+?)(?:#[^)]*)?\\)");

    private static final Pattern SECTION_LINK = Pattern.compile("\\]\\((?<page>[^)#\\s]*)#(?<section>[^)]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");

    /** Options of other programs that the pages call. */
    private static final Set<String> FOREIGN = Set.of(
            "--build-arg",
            "--create-namespace",
            "--field-selector",
            "--force-conflicts",
            "--force-replace",
            "--from-file",
            "--ignore-not-found",
            "--install",
            "--namespace",
            "--platform",
            "--prefix",
            "--previous",
            "--push",
            "--register-with-taints",
            "--reset-values",
            "--selector",
            "--server-side",
            "--tail",
            "--take-ownership",
            "--version");

    @TempDir
    private Path directory;

    @TestFactory
    Stream<DynamicTest> commandsAndOptionsThatAreNamedExist() {
        return pages().map(page -> DynamicTest.dynamicTest(name(page), () -> {
            String text = read(page);
            assertThat(text.lines()
                            .flatMap(line -> OPTION.matcher(line).results())
                            .map(MatchResult::group)
                            .filter(option -> !FOREIGN.contains(option)))
                    .isSubsetOf(allOptions());
            CALL.matcher(text).results().forEach(DocumentationTest::checkCall);
        }));
    }

    @TestFactory
    Stream<DynamicTest> whatCommandsPrintIsWhatThePageShows() {
        return pages().filter(page -> CONSOLE.matcher(read(page)).find())
                .map(page -> DynamicTest.dynamicTest(name(page), () -> {
                    String text = read(page);
                    writeFiles(text);
                    for (MatchResult call : CONSOLE.matcher(text).results().toList()) {
                        Run run = Run.meshcni(inDirectory(call.group(1)));
                        assertThat(run.out().strip())
                                .as(call.group(1))
                                .isEqualTo(call.group(2).strip());
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> everyIstioOperatorCanBeMadeIntoManifests() {
        return pages().flatMap(page -> FILE.matcher(read(page))
                .results()
                .filter(file -> file.group(2).contains("kind: IstioOperator"))
                .map(file -> DynamicTest.dynamicTest(name(page) + " " + file.group(1), () -> {
                    writeFiles(file.group());
                    Run run = Run.meshcni(inDirectory("manifest -f " + file.group(1)));
                    assertThat(run.exitCode()).as(run.err()).isZero();
                })));
    }

    @TestFactory
    Stream<DynamicTest> linksLeadToFiles() {
        return pages().map(page -> DynamicTest.dynamicTest(
                name(page),
                () -> assertThat(LINK.matcher(read(page)).results().map(link -> link.group(1)))
                        .filteredOn(link -> !link.contains(":"))
                        .allSatisfy(
                                link -> assertThat(page.resolveSibling(link)).exists())));
    }

    @TestFactory
    Stream<DynamicTest> linksToSectionsLeadToHeadings() {
        return pages().map(page -> DynamicTest.dynamicTest(
                name(page),
                () -> assertThat(SECTION_LINK.matcher(read(page)).results())
                        .filteredOn(link -> !link.group("page").contains(":"))
                        .allSatisfy(link -> assertThat(headings(
                                        link.group("page").isEmpty() ? page : page.resolveSibling(link.group("page"))))
                                .contains(link.group("section")))));
    }

    /** The headings of a page, as links name them. */
    private static List<String> headings(Path page) {
        return HEADING.matcher(read(page).replaceAll("(?s)```.*?```", ""))
                .results()
                .map(heading -> heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\w\\- ]", "")
                        .replace(' ', '-'))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"docs/compatibility.md", "docs/upgrade.md"})
    void theVersionsOfIstioAreThoseOfTheBuild(String page) {
        assertThat(read(PROJECT.resolve(page))).contains(ProxyVersion.RANGE);
    }

    private static void checkCall(MatchResult call) {
        List<String> words = List.of(call.group(2).strip().split("\\s+", -1));
        CommandLine command = call.group(1).equals("meshcni") ? meshcni() : installCni();
        String first = words.getFirst().replaceFirst("[.,;:)]+$", "");
        if (call.group(1).equals("meshcni") && command.getSubcommands().containsKey(first)) {
            command = command.getSubcommands().get(first);
        }
        Set<String> known = command.getCommandSpec().optionsMap().keySet();
        for (String word : words) {
            Matcher option = OPTION.matcher(word);
            if (option.lookingAt()) {
                assertThat(known).as(call.group()).contains(option.group());
            } else if (word.equals("|") || word.equals(">")) {
                return;
            }
        }
    }

    private static Set<String> allOptions() {
        Set<String> options =
                new HashSet<>(installCni().getCommandSpec().optionsMap().keySet());
        Stream.of(Stream.of(meshcni()), meshcni().getSubcommands().values().stream())
                .flatMap(commands -> commands)
                .map(command -> command.getCommandSpec().optionsMap().keySet())
                .flatMap(Collection::stream)
                .forEach(options::add);
        return options;
    }

    private static CommandLine meshcni() {
        return Meshcni.commandLine(Map.of());
    }

    private static CommandLine installCni() {
        return new CommandLine(InstallCni.class);
    }

    private void writeFiles(String text) throws IOException {
        for (MatchResult file : FILE.matcher(text).results().toList()) {
            Files.writeString(directory.resolve(file.group(1)), file.group(2));
        }
    }

    private String[] inDirectory(String line) {
        List<String> words = new ArrayList<>();
        for (String word : line.strip().split(" +", -1)) {
            Path file = directory.resolve(word);
            words.add(Files.isRegularFile(file) ? file.toString() : word);
        }
        return words.toArray(String[]::new);
    }

    private static Stream<Path> pages() {
        try (Stream<Path> files = Files.walk(PROJECT.resolve("docs"))) {
            List<Path> pages = new ArrayList<>(files.filter(file ->
                            file.toString().endsWith(".md") && !file.toString().contains("/decisions/"))
                    .sorted()
                    .toList());
            pages.add(PROJECT.resolve("README.md"));
            return pages.stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String name(Path page) {
        return PROJECT.relativize(page).toString();
    }

    private static String read(Path page) {
        try {
            return Files.readString(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
