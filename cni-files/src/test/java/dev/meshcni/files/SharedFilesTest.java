// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.meshcni.files.testkit.PassedOnSteps;
import dev.meshcni.testkit.CapturedLog;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serial;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Somebody else writes at the worst moment: between our look and our change, or between our change and our second look.
 */
class SharedFilesTest {
    private static final FileMetadata LOOK = FileMetadata.ofMode("rw-r--r--");
    private static final String OLD = "old";
    private static final String OURS = "old and ours";
    private static final String NEWER = "newer";
    private static final String NEWEST = "newest";

    @TempDir
    private Path dir;

    private Path file;

    /** What somebody else does to a file. */
    @FunctionalInterface
    interface Deed {
        void on(Path file) throws IOException;

        static Deed write(String content) {
            return file -> Files.writeString(file, content);
        }

        static Deed rename(String content) {
            return file -> {
                Path fresh = Files.writeString(file.resolveSibling("theirs.tmp"), content);
                Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            };
        }
    }

    /** How somebody else writes. */
    enum Way {
        IN_PLACE {
            @Override
            Deed deed(String content) {
                return Deed.write(content);
            }
        },
        BY_A_RENAME {
            @Override
            Deed deed(String content) {
                return Deed.rename(content);
            }
        };

        abstract Deed deed(String content);
    }

    /** Ends the work without giving it a chance to tidy up. */
    private static final class Killed extends Error {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    /** Steps with deeds of somebody else right before and right after one of them. */
    private static final class Meddled extends PassedOnSteps {
        private final String step;
        private final List<Deed> before = new ArrayList<>();
        private final List<Deed> after = new ArrayList<>();
        private final Path file;

        Meddled(FileSteps steps, String step, Path file) {
            super(steps);
            this.step = step;
            this.file = file;
        }

        Meddled before(Deed deed) {
            before.add(deed);
            return this;
        }

        Meddled after(Deed deed) {
            after.add(deed);
            return this;
        }

        @Override
        public void before(String name, Path changed) throws IOException {
            if (name.equals(step) && !before.isEmpty()) {
                before.removeFirst().on(file);
            }
        }

        @Override
        public void exchange(Path one, Path other) throws IOException {
            super.exchange(one, other);
            after();
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            super.rename(from, to);
            if (step.equals("rename")) {
                after();
            }
        }

        private void after() throws IOException {
            if (!after.isEmpty()) {
                after.removeFirst().on(file);
            }
        }
    }

    @BeforeEach
    void makeFile() throws IOException {
        file = Files.writeString(dir.resolve("10-net.conflist"), OLD);
    }

    @Test
    void whatIsExpectedIsReplaced() throws IOException {
        replace(new DiskSteps());

        assertThat(file).hasContent(OURS);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @ParameterizedTest
    @EnumSource
    void aChangeRightBeforeOursIsBackAndOursHasToBeMadeAnew(Way way) throws IOException {
        assertStale(new Meddled(new DiskSteps(), "exchange", file).before(way.deed(NEWER)));

        assertThat(file).hasContent(NEWER);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @ParameterizedTest
    @EnumSource
    void ofTwoChangesAroundOursTheLastOneStays(Way way) throws IOException {
        assertStale(new Meddled(new DiskSteps(), "exchange", file)
                .before(Deed.rename(NEWER))
                .after(way.deed(NEWEST)));

        assertThat(file).hasContent(NEWEST);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @ParameterizedTest
    @EnumSource
    void changesThatComeAtEachExchangeEndWithTheLastOne(Way way) throws IOException {
        Meddled steps = new Meddled(new DiskSteps(), "exchange", file).before(Deed.rename(NEWER));
        for (int change = 1; change <= 5; change++) {
            steps.after(way.deed("change " + change));
        }

        assertStale(steps);

        assertThat(file).hasContent("change 5");
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @Test
    void aFileThatItsOwnerDeletesRightBeforeOursStaysDeleted() throws IOException {
        assertStale(new Meddled(new DiskSteps(), "exchange", file).before(Files::delete));

        assertThat(names()).isEmpty();
    }

    @Test
    void aFileThatItsOwnerChangesAndThenDeletesStaysDeleted() throws IOException {
        assertStale(new Meddled(new DiskSteps(), "exchange", file)
                .before(Deed.rename(NEWER))
                .after(Files::delete));

        assertThat(names()).isEmpty();
    }

    @Test
    void whoHasTheFileOpenForWritingIsWaitedFor() throws Exception {
        List<Thread> writers = new ArrayList<>();
        Meddled steps = new Meddled(new DiskSteps(), "exchange", file).before(path -> {
            OutputStream open = Files.newOutputStream(path);
            open.write(OLD.getBytes(UTF_8));
            writers.add(Thread.ofPlatform().start(() -> {
                try (open) {
                    Thread.sleep(200);
                    open.write(" and written late".getBytes(UTF_8));
                } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
        });

        assertStale(steps);
        writers.getFirst().join();

        assertThat(file).hasContent(OLD + " and written late");
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @Test
    void aPipeOrALinkInPlaceOfTheFileHangsNobodyAndIsBack() throws Exception {
        Path other = Files.writeString(dir.resolve("other"), OLD);

        assertStale(new Meddled(new DiskSteps(), "exchange", file).before(path -> {
            Files.delete(path);
            Files.createSymbolicLink(path, other);
        }));

        assertThat(file).isSymbolicLink();
        assertThat(other).hasContent(OLD);
    }

    @Test
    void aNewFileReplacesNoneThatAppearsAtTheLastMoment() throws IOException {
        Path fresh = dir.resolve("20-new.conflist");
        SharedFiles files = new SharedFiles(new Meddled(new DiskSteps(), "renameNew", fresh).before(Deed.write(NEWER)));

        assertThatThrownBy(() -> files.replace(fresh, Optional.empty(), OURS.getBytes(UTF_8), LOOK))
                .isInstanceOf(StaleFileException.class);

        assertThat(fresh).hasContent(NEWER);
        assertThat(names()).containsExactlyInAnyOrder("10-net.conflist", "20-new.conflist");
    }

    @ParameterizedTest
    @EnumSource
    void whatIsChangedRightBeforeItIsDeletedIsNotDeleted(Way way) throws IOException {
        SharedFiles files = new SharedFiles(new Meddled(new DiskSteps(), "rename", file).before(way.deed(NEWER)));

        assertThatThrownBy(() -> files.delete(file, OLD.getBytes(UTF_8))).isInstanceOf(StaleFileException.class);

        assertThat(file).hasContent(NEWER);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @Test
    void whatIsWrittenAfterADeletionStays() throws IOException {
        SharedFiles files = new SharedFiles(new Meddled(new DiskSteps(), "rename", file)
                .before(Deed.rename(NEWER))
                .after(Deed.rename(NEWEST)));

        assertThatThrownBy(() -> files.delete(file, OLD.getBytes(UTF_8))).isInstanceOf(StaleFileException.class);

        assertThat(file).hasContent(NEWEST);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @Test
    void whereTheFileSystemCannotExchangeAChangeIsStillSeenBeforeTheRename() throws IOException {
        FileSteps plain = new PassedOnSteps(new DiskSteps()) {
            @Override
            public void exchange(Path one, Path other) throws IOException {
                throw new AtomicMoveNotSupportedException(one.toString(), other.toString(), "Invalid argument");
            }

            @Override
            public void renameNew(Path from, Path to) throws IOException {
                throw new AtomicMoveNotSupportedException(from.toString(), to.toString(), "Invalid argument");
            }
        };
        Path fresh = dir.resolve("20-new.conflist");

        try (CapturedLog log = CapturedLog.of(SharedFiles.class)) {
            replace(plain);
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("WARN file system of " + file + " does not support RENAME_EXCHANGE (Invalid argument)");
        }
        assertThat(file).hasContent(OURS);
        new SharedFiles(plain).replace(fresh, Optional.empty(), OURS.getBytes(UTF_8), LOOK);
        assertThat(fresh).hasContent(OURS);
        assertThatThrownBy(() -> new SharedFiles(plain).replace(fresh, Optional.empty(), OURS.getBytes(UTF_8), LOOK))
                .isInstanceOf(StaleFileException.class);
        new SharedFiles(plain).delete(fresh, OURS.getBytes(UTF_8));
        assertThat(names()).containsExactly("10-net.conflist");

        Files.writeString(file, OLD);
        assertStale(new Meddled(plain, "setMetadata", file).before(Deed.rename(NEWER)));
        assertThat(file).hasContent(NEWER);
        assertThat(names()).containsExactly("10-net.conflist");
    }

    @ParameterizedTest
    @EnumSource
    void aKillAtAnyStepLosesNoChangeThatCameBefore(Way way) throws IOException {
        for (int step = 1; ; step++) {
            Files.writeString(file, OLD);
            Meddled steps = new Meddled(dyingAt(step), "exchange", file).before(way.deed(NEWER));
            boolean changed;
            try {
                replace(steps);
                throw new AssertionError("the change was not seen");
            } catch (StaleFileException e) {
                assertThat(step).as("steps").isGreaterThan(6);
                return;
            } catch (Killed e) {
                changed = steps.before.isEmpty();
            }

            new SharedFiles(new DiskSteps()).sweep(dir);

            assertThat(file).as("after step %s", step).hasContent(changed ? NEWER : OLD);
            assertThat(names()).containsExactly("10-net.conflist");
        }
    }

    @Test
    void aKillAtAnyStepOfADeletionLosesNoChangeThatCameBefore() throws IOException {
        for (int step = 1; ; step++) {
            Files.writeString(file, OLD);
            Meddled steps = new Meddled(dyingAt(step), "rename", file).before(Deed.write(NEWER));
            boolean changed;
            try {
                new SharedFiles(steps).delete(file, OLD.getBytes(UTF_8));
                throw new AssertionError("the change was not seen");
            } catch (StaleFileException e) {
                assertThat(step).as("steps").isGreaterThan(1);
                return;
            } catch (Killed e) {
                changed = steps.before.isEmpty();
            }

            new SharedFiles(new DiskSteps()).sweep(dir);

            assertThat(file).as("after step %s", step).hasContent(changed ? NEWER : OLD);
            assertThat(names()).containsExactly("10-net.conflist");
        }
    }

    @Test
    void aKilledInstallersLeftoversAreNoConfigurationToAnybody() throws IOException {
        Meddled steps = new Meddled(dyingAt(5), "exchange", file);
        assertThatThrownBy(() -> replace(steps)).isInstanceOf(Killed.class);

        assertThat(names())
                .filteredOn(name -> !name.equals("10-net.conflist"))
                .isNotEmpty()
                .allMatch(name -> name.startsWith(".meshcni-") && name.endsWith("-10-net.conflist.meshcni"));
    }

    private static FileSteps dyingAt(int step) {
        return new PassedOnSteps(new DiskSteps()) {
            private int count;

            @Override
            public void before(String name, Path changed) {
                count++;
                if (count == step) {
                    throw new Killed();
                }
            }
        };
    }

    private void replace(FileSteps steps) throws IOException {
        new SharedFiles(steps).replace(file, Optional.of(OLD.getBytes(UTF_8)), OURS.getBytes(UTF_8), LOOK);
    }

    private void assertStale(FileSteps steps) {
        assertThatThrownBy(() -> replace(steps)).isInstanceOf(StaleFileException.class);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            return files.map(path -> path.getFileName().toString())
                    .filter(name -> !name.equals("other"))
                    .toList();
        }
    }
}
