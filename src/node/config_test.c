/* SPDX-License-Identifier: Apache-2.0 */
/* node.json: what is saved is read back, what is malformed is refused with its place. */
#include "node/testing.h"

#include "base/text.h"

static void test_round_trip(void **state)
{
    struct node_config saved = testing_config(ROLE_HOSPITAL, "hospital-a"), loaded;
    struct stat status;
    char directory[TESTING_PATH], path[PATH_MAX];

    (void)state;
    testing_directory(directory);
    assert_int_equal(config_save(directory, &saved, NULL), ACESO_OK);
    memset(&loaded, 0xee, sizeof loaded);
    assert_int_equal(config_load(directory, &loaded, NULL), ACESO_OK);
    assert_false(loaded.has_address);
    assert_false(loaded.network.known);
    assert_false(loaded.hospital.known);
    saved.has_address = true;
    memset(saved.address, 7, 20);
    saved.network = testing_network;
    saved.hospital = (struct hospital_card){ .known = true, .id = UINT32_MAX, .address = { 8 },
                                             .label = "hospital-a", .url = "https://a:1" };
    assert_int_equal(config_save(directory, &saved, NULL), ACESO_OK);
    assert_int_equal(config_load(directory, &loaded, NULL), ACESO_OK);
    assert_int_equal(loaded.role, ROLE_HOSPITAL);
    assert_string_equal(loaded.label, "hospital-a");
    assert_string_equal(loaded.url, "https://127.0.0.1:7001");
    assert_string_equal(loaded.host, "127.0.0.1");
    assert_int_equal(loaded.port, 7001);
    assert_string_equal(loaded.rpc, saved.rpc);
    assert_string_equal(loaded.confirmation, "depth:0");
    assert_memory_equal(loaded.address, saved.address, 20);
    assert_int_equal(loaded.network.chain_id, 31337);
    assert_int_equal(loaded.network.first_block, 3);
    assert_memory_equal(loaded.network.amsc, testing_network.amsc, 20);
    assert_memory_equal(loaded.network.arsc, testing_network.arsc, 20);
    assert_memory_equal(loaded.network.ca, testing_network.ca, 20);
    assert_int_equal(loaded.hospital.id, UINT32_MAX);
    assert_memory_equal(loaded.hospital.address, saved.hospital.address, 20);
    assert_string_equal(loaded.hospital.url, "https://a:1");
    assert_int_equal(file_path(directory, "node.json", path, sizeof path), ACESO_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    testing_remove(directory);
}

#define HEAD "{\"version\":1,\"role\":\"ca\",\"label\":\"ca\",\"rpc\":\"http://x\","
#define LISTEN "\"listen\":\"127.0.0.1:1\""

#define PATIENT                                                                                    \
    "{\"version\":2,\"role\":\"patient\",\"label\":\"p\",\"rpc\":\"http://x\""
#define HEX20(digit) "0x000000000000000000000000000000000000000" digit
#define CARD(id)                                                                                   \
    "\"hospital\":{\"id\":" id ",\"address\":\"" HEX20("9") "\",\"label\":\"h" id                  \
    "\",\"url\":\"https://h" id ":1\"}"
#define OWN(digit) ",\"address\":\"" HEX20(digit) "\""

static void config_text(const char *directory, const char *text, struct node_config *config)
{
    char path[PATH_MAX];

    assert_int_equal(file_path(directory, "node.json", path, sizeof path), ACESO_OK);
    assert_int_equal(file_write(path, bytes_of_string(text), 0600, NULL), ACESO_OK);
    assert_int_equal(config_load(directory, config, NULL), ACESO_OK);
}

static void test_patient(void **state)
{
    struct node_config config;
    char directory[TESTING_PATH], name[CONFIG_FILE_SIZE];

    (void)state;
    testing_directory(directory);
    config_text(directory, PATIENT "}", &config);
    assert_false(config.has_address);
    assert_int_equal(config.hospital_count, 0);
    assert_int_equal(config.bypass_s, 20);
    assert_string_equal(config.url, "");
    /* the one hospital of version 1 */
    config_text(directory,
                "{\"version\":1,\"role\":\"patient\",\"label\":\"p\",\"rpc\":\"http://x\","
                "\"listen\":\"127.0.0.1:1\"," CARD("7") OWN("3") "}",
                &config);
    assert_true(config.has_address);
    assert_int_equal(config.hospital_count, 1);
    assert_int_equal(config.hospitals[0].card.id, 7);
    assert_int_equal(config.address[19], 3);
    assert_int_equal(config_save(directory, &config, NULL), ACESO_OK);
    /* two of them, written and read again */
    config.hospitals[1] = config.hospitals[0];
    config.hospitals[1].card.id = 8;
    config.hospitals[1].address[19] = 4;
    config.hospital_count = 2;
    config.bypass_s = 3;
    assert_int_equal(config_save(directory, &config, NULL), ACESO_OK);
    memset(&config, 0xee, sizeof config);
    assert_int_equal(config_load(directory, &config, NULL), ACESO_OK);
    assert_int_equal(config.hospital_count, 2);
    assert_int_equal(config.bypass_s, 3);
    assert_int_equal(config.address[19], 3);
    assert_int_equal(config.hospitals[1].address[19], 4);
    assert_string_equal(config.hospitals[1].card.label, "h7");
    assert_ptr_equal(config_hospital(&config, 8), &config.hospitals[1]);
    assert_null(config_hospital(&config, 9));
    config_hospital_file(&config, 0, "key.sealed", name);
    assert_string_equal(name, "tls/key.sealed");
    config_hospital_file(&config, 1, "key.sealed", name);
    assert_string_equal(name, "tls/hospital-8/key.sealed");
    testing_remove(directory);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *text;
        const char *place;
    } bad[] = {
        { "", NULL },
        { "{", NULL },
        { "[]", "version" },
        { "{\"version\":3}", "version" },
        { "{\"version\":0}", "version" },
        { "{\"version\":1,\"role\":\"king\"}", "role" },
        { "{\"version\":1,\"role\":1}", "role" },
        { HEAD "\"listen\":\"127.0.0.1\"}", "listen" },
        { HEAD "\"listen\":\"127.0.0.1:0\"}", "listen" },
        { HEAD "\"listen\":\"127.0.0.1:65536\"}", "listen" },
        { HEAD "\"listen\":\":1\"}", "listen" },
        { HEAD LISTEN ",\"address\":\"0x12\"}", "address" },
        { HEAD LISTEN ",\"network\":{}}", "network: chain_id" },
        { HEAD LISTEN ",\"network\":{\"chain_id\":-1}}", "network: chain_id" },
        { HEAD LISTEN ",\"hospital\":{\"id\":4294967296}}", "hospital: id" },
        { HEAD LISTEN ",\"hospital\":[]}", "hospital: id" },
        { PATIENT ",\"hospital\":{\"id\":1}}", "hospital: address" },
        { PATIENT ",\"hospitals\":[{}]}", "hospital: id" },
        { PATIENT ",\"hospitals\":[{" CARD("1") "}]}", "address" },
        { PATIENT ",\"hospitals\":[{" CARD("1") OWN("1") "},{" CARD("1") OWN("2") "}]}",
          "hospitals" },
        { PATIENT ",\"bypass\":0}", "bypass" },
        { PATIENT ",\"bypass\":3601}", "bypass" },
    };
    struct node_config config = { .port = 77 };
    char directory[TESTING_PATH], path[PATH_MAX];

    (void)state;
    testing_directory(directory);
    assert_int_equal(config_load(directory, &config, NULL), ACESO_ENOTFOUND);
    assert_int_equal(file_path(directory, "node.json", path, sizeof path), ACESO_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct aceso_error error = { 0 };

        assert_int_equal(file_write(path, bytes_of_string(bad[i].text), 0600, NULL), ACESO_OK);
        assert_int_not_equal(config_load(directory, &config, &error), ACESO_OK);
        if (bad[i].place)
            assert_string_equal(error.place, bad[i].place);
        assert_int_equal(config.port, 77);
    }
    assert_int_equal(file_write(path, bytes_of_string(HEAD LISTEN "}"), 0600, NULL), ACESO_OK);
    assert_int_equal(config_load(directory, &config, NULL), ACESO_OK);
    assert_string_equal(config.confirmation, "depth:0");
    testing_remove(directory);
}

static void test_too_long(void **state)
{
    struct node_config config = testing_config(ROLE_CA, "ca");
    char listen[128], directory[TESTING_PATH], path[PATH_MAX];
    struct buffer text = BUFFER_INIT(65536);

    (void)state;
    memset(listen, 'a', sizeof listen);
    memcpy(listen + 64, ":1", 3);
    assert_int_equal(config_listen(&config, listen, NULL), ACESO_EUSAGE);
    memcpy(listen + 63, ":1", 3);
    assert_int_equal(config_listen(&config, listen, NULL), ACESO_OK);
    testing_directory(directory);
    assert_int_equal(file_path(directory, "node.json", path, sizeof path), ACESO_OK);
    assert_int_equal(buffer_printf(&text, "{\"version\":1,\"role\":\"ca\",\"label\":\"%0*d\"}",
                                   CONFIG_LABEL_SIZE, 0),
                     ACESO_OK);
    assert_int_equal(file_write(path, buffer_bytes(&text), 0600, NULL), ACESO_OK);
    assert_int_equal(config_load(directory, &config, NULL), ACESO_ELIMIT);
    buffer_free(&text);
    testing_remove(directory);
}

static void test_roles(void **state)
{
    enum node_role role;

    (void)state;
    for (int i = ROLE_CA; i <= ROLE_INSTITUTE; i++) {
        assert_int_equal(role_parse(role_name((enum node_role)i), &role), ACESO_OK);
        assert_int_equal(role, i);
    }
    assert_int_equal(role_parse("CA", &role), ACESO_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_patient),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_roles),
    };

    return cmocka_run_group_tests_name("node config", tests, NULL, NULL);
}
