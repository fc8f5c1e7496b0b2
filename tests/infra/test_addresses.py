import pytest

from infra.addresses import AddressRefused, denied, host_of, refusal, vetted

REFUSED_TEXT = """
https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f000001/ https://0177.0.0.1/ https://0/
https://0.0.0.0/ https://localhost/ https://LOCALHOST./ https://a.localhost/ https://127.0.0.1.:443/
https://[::1]/ https://[::]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[64:ff9b::7f00:1]/
https://[64:ff9b:1::1]/ https://[2002:7f00:1::]/ https://[2001::1]/ https://[fe80::1%25eth0]/ https://[fe80::1]/
https://[fd00::1]/ https://[fec0::1]/ https://[ff02::1]/ https://[::7f00:1]/ https://[2001:db8::1]/
https://169.254.169.254/latest https://[fd00:ec2::254]/ https://192.0.0.192/ https://100.100.100.200/
https://metadata.google.internal/ https://instance-data.internal/
https://10.0.0.1/ https://172.16.0.1/ https://172.31.255.255/ https://192.168.1.1/ https://100.64.0.1/
https://198.18.0.1/ https://198.19.255.255/ https://224.0.0.1/ https://240.0.0.1/ https://255.255.255.255/
https://192.88.99.1/ https://192.0.2.1/ https://198.51.100.1/ https://203.0.113.1/
http://example.com/ ftp://example.com/ file:///etc/passwd gopher://example.com/ unix:/var/run/x javascript:alert(1)
example.com /hook //example.com/ https: https:// https:///x
https://user:pw@example.com/ https://good.com@127.0.0.1/ https://example.com\\@127.0.0.1/ https://example.com#@x.com/
https://example.com/#f https://exa%00mple.com/ https://exam%70le.com/ https://example.com/%00\x00
https://①②⑦.⓪.⓪.①/ https://127。0。0。1/ https://exämple.com/
https://example.com:22/ https://example.com:25/ https://example.com:5432/ https://example.com:6379/
https://example.com:9000/ https://example.com:0/ https://example.com:65536/ https://example.com:80/
https://example.com:/ https://example.com:4_43/ https://example.com:-1/ https://1.2.3/ https://1.2.3.4.5/ https://999.1.1.1/
https://0x7f.1/ https://printer/ https://router.lan/ https://db.local/ https://x.test/ https://-bad.com/ https://bad_.com/
https://example..com/ https://[1:2:3]/ https://[::1
"""

ACCEPTED_TEXT = """
https://example.com https://example.com/ https://example.com:443/a?b=c https://hooks.example.co.uk:8443/x
https://xn--exmple-cua.com/ https://8.8.8.8/ https://[2606:4700:4700::1111]/ HTTPS://EXAMPLE.COM/ https://example.com./
https://a-b.example.com/%20?x=%00
"""


@pytest.mark.parametrize("url", REFUSED_TEXT.split())
def test_what_must_not_be_called_is_refused(url):
    assert refusal(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/" + "a" * 2029,
        " https://example.com",
        "https://e.com/\t",
        "https://e.com/\n",
        "https://e. com/",
        "https://e.com/ü",
        "https://e.com/<x>",
    ],
)
def test_odd_text_is_refused_even_in_development(url):
    assert refusal(url)
    assert refusal(url, allow_private=True)


@pytest.mark.parametrize("url", ACCEPTED_TEXT.split())
def test_public_addresses_are_accepted(url):
    assert refusal(url) is None


def test_a_url_of_2048_characters_is_the_longest():
    assert refusal("https://example.com/" + "a" * 2028) is None


def test_our_own_address_is_refused():
    own = ["https://floor.example.com", "", "https://s3.example.com:8443/x"]
    assert refusal("https://FLOOR.example.com./v1/jobs", own=own)
    assert refusal("https://s3.example.com/", own=own)
    assert refusal("https://other.example.com/", own=own) is None


def test_development_allows_private_hosts_plain_http_and_any_port_and_nothing_odd():
    assert refusal("http://127.0.0.1:5000/hook", allow_private=True) is None
    assert refusal("http://localhost/hook", allow_private=True) is None
    for url in ("ftp://localhost/", "http://a:b@localhost/", "http://localhost:0/", "http://local%68ost/"):
        assert refusal(url, allow_private=True)


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_numbers_are_not_denied(text):
    assert not denied(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "127.1",
        "192.0.0.192",
        "::ffff:10.0.0.1",
        "fe80::1%lo",
        "2002::1",
        "64:ff9b::808:808",
        "192.88.99.2",
        "::8.8.8.8",
        "ff0e::1",
        "5f00::1",
    ],
)
def test_numbers_that_are_not_public_are_denied(text):
    assert denied(text)


def answers(*texts):
    asked = []

    def resolver(host, port):
        asked.append((host, port))
        return texts

    resolver.asked = asked
    return resolver


def test_a_name_is_resolved_once_and_all_its_addresses_come_back():
    resolver = answers("8.8.8.8", "1.1.1.1", "8.8.8.8")
    assert vetted("example.com", 443, resolver) == ["8.8.8.8", "1.1.1.1"]
    assert resolver.asked == [("example.com", 443)]


@pytest.mark.parametrize("texts", [["10.0.0.1"], ["8.8.8.8", "::1"], ["2606:4700::1", "169.254.169.254"], []])
def test_one_denied_address_among_a_names_is_enough(texts):
    with pytest.raises(AddressRefused) as refused:
        vetted("example.com", 443, answers(*texts))
    assert "10.0.0.1" not in str(refused.value)


def test_a_number_is_not_resolved_and_is_denied_all_the_same():
    resolver = answers("8.8.8.8")
    with pytest.raises(AddressRefused):
        vetted("127.0.0.1", 443, resolver)
    assert vetted("::1", 80, resolver, allow_private=True) == ["::1"]
    assert resolver.asked == []


def test_hosts_are_compared_in_one_spelling():
    assert host_of("https://EXAMPLE.com.:8443/x") == "example.com"
    assert host_of("https://[::1]:1/") == "::1"
