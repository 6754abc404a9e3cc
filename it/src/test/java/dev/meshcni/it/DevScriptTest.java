// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code ./dev}, where a newcomer begins: a copy in a project of its own, whose Maven and packages are scripts. */
class DevScriptTest {
    private static final int COLUMNS = 100;
    private static final String FEATURE = "readonly JDK_FEATURE=";

    @TempDir
    private Path project;

    private Path bin;

    @BeforeEach
    void makeProject() throws IOException {
        bin = Files.createDirectories(project.resolve("bin"));
        for (String file : new String[] {"pom.xml", ".mvn/jvm.config", "module/pom.xml", "module/src/Main.java"}) {
            Path made = project.resolve(file);
            Files.createDirectories(made.getParent());
            Files.writeString(made, "");
        }
        program("musl-gcc", "");
        program("apt-get", "echo \"apt-get $*\" >> calls");
        dev("25");
    }

    @Test
    void itsHelpFitsATerminalAndNamesEveryCommand() throws IOException {
        Command.Result help = run("help");

        assertThat(help.out().lines()).allMatch(line -> line.length() <= COLUMNS);
        assertThat(Files.readString(project.resolve("dev"))
                        .lines()
                        .filter(line -> line.matches("command_[\\w-]+\\(\\) \\{")))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(help.out())
                        .containsPattern("\n  " + line.replaceAll("command_|\\(.*", "") + "[ \n]"));
    }

    @Test
    void aCommandThatThereIsNotIsOneLine() {
        Command.Result result = run("demmo");

        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).isEqualTo("dev: unknown command 'demmo'\nSee './dev help'.\n");
    }

    @Test
    void aMissingJdkIsNamedWithThePlaceToGetIt() throws IOException {
        dev("99");
        program("apt-cache", "echo '  Candidate: (none)'");

        Command.Result result = run("build");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err())
                .contains("dev: no JDK 99 or newer in JAVA_HOME, PATH or /usr/lib/jvm")
                .contains("https://adoptium.net/")
                .contains("export JAVA_HOME=");
        assertThat(result.err().lines()).allMatch(line -> line.length() <= COLUMNS);
    }

    @Test
    void aJdkThatIsAPackageIsInstalledByRootAndElseNamed() throws IOException {
        assumeTrue(Files.exists(Path.of("/etc/debian_version")), "needs Debian");
        dev("99");
        program("apt-cache", "echo '  Candidate: 99.0.1-1'");
        Path calls = Files.createFile(project.resolve("calls"));

        Command.Result result = run("build");

        // The script that stands for apt-get installs nothing, so that the JDK is still missing afterwards.
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(Files.readString(calls) + result.err())
                .containsPattern("apt-get install -y .*--no-install-recommends openjdk-99-jdk-headless");
    }

    @Test
    void aBuildShowsHowFarItIs() throws IOException {
        program("mvn", """
                echo 'Downloaded from central: a file'
                echo '[INFO] Building cni-api 0.1.0-SNAPSHOT                       [3/30]'
                sleep 2
                mkdir -p target/dist/bin
                """);

        Command.Result build = run("build");

        assertThat(build.exitCode()).as(build.err()).isZero();
        assertThat(build.out()).containsPattern("  0:0\\d building 3/30: cni-api, files fetched: 1\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[ERROR] cannot find symbol", "[WARNING] Main.java: unused"})
    void aBuildThatFailsSaysWhy(String line) throws IOException {
        program("mvn", "echo '" + line + "'; exit 1");

        Command.Result build = run("build");

        assertThat(build.exitCode()).isEqualTo(1);
        assertThat(build.err()).contains(line, "dev: the build failed; all of it is in target/build.log");
    }

    private void dev(String feature) throws IOException {
        String text = Files.readString(Path.of("../dev"));
        assertThat(text).contains(FEATURE + "25\n");
        executable(project.resolve("dev"), text.replace(FEATURE + "25\n", FEATURE + feature + "\n"));
    }

    private void program(String name, String body) throws IOException {
        executable(bin.resolve(name), "#!/bin/sh\n" + body + "\n");
    }

    private static void executable(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** What is passed over would be taken for done. */
    @ParameterizedTest
    @ValueSource(strings = {"build", "image", "clean", "bench"})
    void anArgumentThatACommandDoesNotTakeIsAnError(String command) {
        Command.Result result = run(command, "-Dmaven.repo.local=elsewhere");

        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.err()).startsWith("dev: " + command + " takes ").contains("not -Dmaven.repo.local=elsewhere");
        assertThat(project.resolve("target")).doesNotExist();
    }

    @Test
    void theApiGoesIntoTheRepositoryThatIsNamed() throws IOException {
        program("mvn", "echo \"$*\" >> calls");

        Command.Result result = run("api", "-Dmaven.repo.local=elsewhere");

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(Files.readString(project.resolve("calls"))).contains(" -Dmaven.repo.local=elsewhere install");
    }

    private Command.Result run(String... arguments) {
        return Command.of(Stream.concat(Stream.of(project.resolve("dev").toString()), Stream.of(arguments))
                        .toArray(String[]::new))
                .environment(
                        Map.of("PATH", bin + ":" + System.getenv("PATH"), "JAVA_HOME", System.getProperty("java.home")))
                .result();
    }
}
